//! Clients for a kubeconfig's text.

use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

/// The client configuration of a kubeconfig's current context. It does not touch the network.
///
/// # Errors
/// When the text is not a kubeconfig.
pub async fn client_config(kubeconfig: &str) -> Result<Config, KubeconfigError> {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig)?;
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await
}
