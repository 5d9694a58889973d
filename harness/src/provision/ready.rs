//! Step: what a cluster needs before a test may run on it: every node Ready, DNS and storage up.

use std::time::Duration;

use kube::Client;

use super::steps::{Failure, StepError};
use crate::{
    spec::ClusterSpec,
    wait::{deployment_available, nodes_ready},
};

/// Waits through the address that clients on the host use.
pub(super) async fn wait(kubeconfig: &str, spec: &ClusterSpec, limit: Duration) -> Result<(), Failure> {
    let client = client(kubeconfig).await?;
    let add_ons = async {
        futures::try_join!(
            deployment_available(&client, "kube-system", "coredns", limit),
            deployment_available(&client, "local-path-storage", "local-path-provisioner", limit),
        )
    };
    futures::try_join!(nodes_ready(&client, spec.nodes.len(), limit), add_ons)?;
    Ok(())
}

async fn client(kubeconfig: &str) -> Result<Client, Failure> {
    let config = crate::cluster::client_config(kubeconfig).await.map_err(|error| StepError::Api(Box::new(error)))?;
    let client = Client::try_from(config).map_err(|error| StepError::Api(Box::new(error)))?;
    Ok(client)
}
