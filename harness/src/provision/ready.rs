//! Step: what a cluster needs before a test may run on it: every node Ready, DNS and storage up.

use std::time::Duration;

use kube::Client;

use super::{
    Event, Progress,
    steps::{Failure, StepError},
};
use crate::{
    spec::ClusterSpec,
    wait::{Check, look_at_nodes, look_at_registration, look_at_service, until},
};

/// What has to be available besides the nodes: namespace and name of a Deployment.
const ADD_ONS: [(&str, &str); 2] = [("kube-system", "coredns"), ("local-path-storage", "local-path-provisioner")];

/// Waits through the address that clients on the host use, and tells under the name of `step` what is missing.
pub(super) async fn wait(
    kubeconfig: &str,
    spec: &ClusterSpec,
    limit: Duration,
    progress: &dyn Progress,
    step: &'static str,
) -> Result<(), Failure> {
    let client = client(kubeconfig).await?;
    let tell = |status: &str| progress.event(Event::Waiting { step, status: status.to_owned() });
    until("the nodes, DNS and storage", limit, async || {
        let missing = missing(&client, spec).await;
        if let Check::NotYet(status) = &missing {
            tell(status);
        }
        missing
    })
    .await?;
    Ok(())
}

async fn missing(client: &Client, spec: &ClusterSpec) -> Check<()> {
    let count = spec.nodes.len();
    // Without a pod network no node becomes Ready and no add-on runs: the user brings one, and waits for it.
    if spec.networking.disable_default_cni {
        return look_at_registration(client, count).await;
    }
    if let Check::NotYet(status) = look_at_nodes(client, count).await {
        return Check::NotYet(status);
    }
    for (namespace, name) in ADD_ONS {
        if let Check::NotYet(status) = look_at_service(client, namespace, name).await {
            return Check::NotYet(status);
        }
    }
    Check::Done(())
}

async fn client(kubeconfig: &str) -> Result<Client, Failure> {
    let config = crate::cluster::client_config(kubeconfig).await.map_err(|error| StepError::Api(Box::new(error)))?;
    let client = Client::try_from(config).map_err(|error| StepError::Api(Box::new(error)))?;
    Ok(client)
}
