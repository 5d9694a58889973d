//! The way to the API of a cluster of which nothing is known but its containers.

use std::sync::Arc;

use kind_engine::{ContainerFacts, Engine};
use kube::{Client, Config};
use tokio::sync::OnceCell;

use super::PowerError;
use crate::{
    cluster::{client_config, is_reached, tunnel_to},
    kubeconfig::{Reach, export},
    spec::ClusterName,
};

/// A client by the published port, and one through the engine for where that port does not lead to the cluster from here.
pub(super) struct Way<'a> {
    engine: &'a Arc<dyn Engine>,
    name: &'a ClusterName,
    containers: &'a [ContainerFacts],
    kubeconfig: String,
    config: Config,
    published: Client,
    around: OnceCell<Client>,
}

impl<'a> Way<'a> {
    pub(super) async fn to(
        engine: &'a Arc<dyn Engine>,
        name: &'a ClusterName,
        containers: &'a [ContainerFacts],
    ) -> Result<Self, PowerError> {
        let kubeconfig = export(&**engine, name, Reach::Host).await?;
        let config = client_config(&kubeconfig).await.map_err(|error| unusable(name, error))?;
        let published = Client::try_from(config.clone()).map_err(|error| unusable(name, error))?;
        Ok(Self { engine, name, containers, kubeconfig, config, published, around: OnceCell::new() })
    }

    /// The client that leads to the cluster now. A published port may lead nowhere because nobody listens yet, or for good:
    /// each look finds out anew.
    pub(super) async fn client(&self) -> Result<&Client, PowerError> {
        if is_reached(&self.kubeconfig).await {
            return Ok(&self.published);
        }
        let through_engine = async || {
            let address =
                tunnel_to(self.containers, Arc::clone(self.engine)).map_err(|error| unusable(self.name, error))?;
            let mut config = self.config.clone();
            config.cluster_url = format!("https://{address}").parse().map_err(|error| unusable(self.name, error))?;
            Client::try_from(config).map_err(|error| unusable(self.name, error))
        };
        self.around.get_or_try_init(through_engine).await
    }
}

fn unusable<E: std::error::Error + Send + Sync + 'static>(name: &ClusterName, source: E) -> PowerError {
    PowerError::Client { cluster: name.clone(), source: Box::new(source) }
}
