//! Clients of a cluster, by its kubeconfig's text.

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use super::{ClusterError, ClusterRecord};

/// The client configuration of a kubeconfig of ours. It does not touch the network.
///
/// # Errors
/// When the text is not a kubeconfig.
pub async fn client_config(kubeconfig: &str) -> Result<Config, KubeconfigError> {
    let mut config = foreign_client_config(kubeconfig).await?;
    // The engine publishes the API nearby, where a proxy of the machine's cannot reach it.
    config.proxy_url = None;
    Ok(config)
}

/// The client configuration of the current context of somebody else's kubeconfig. It does not touch the network.
///
/// # Errors
/// When the text is not a kubeconfig.
pub(crate) async fn foreign_client_config(kubeconfig: &str) -> Result<Config, KubeconfigError> {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig)?;
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await
}

/// A client of a cluster of ours, through its load balancer where it has one.
///
/// # Errors
/// When the kubeconfig is not usable.
pub(crate) async fn client_of(record: &ClusterRecord) -> Result<Client, ClusterError> {
    client(client_config(&record.kubeconfig).await?)
}

pub(super) fn client(config: Config) -> Result<Client, ClusterError> {
    Client::try_from(config).map_err(|error| ClusterError::Client(Box::new(error)))
}
