//! Looking whether a cluster is well, and bringing back what only stopped.
//!
//! What cannot be brought back quickly is an error here; making the cluster anew is the keeper's decision.

use std::time::{Duration, SystemTime};

use k8s_openapi::api::{coordination::v1::Lease, core::v1::Pod};
use kind_engine::{Engine, EngineError};
use kube::{Api, Client, ResourceExt, api::ListParams};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    cluster::{ClusterRecord, client_of},
    spec::NodeName,
    wait::{self, Check, WaitError, words_of_api},
};

/// How long a cluster may take to come back.
const LIMIT: Duration = Duration::from_secs(90);
/// A kubelet renews its lease every 10 s; the node's own condition says Ready for 50 s after it died.
const FRESH: Duration = Duration::from_secs(15);

/// On pods that a kubelet runs from a file, as on those of a control plane.
const MIRROR: &str = "kubernetes.io/config.mirror";
/// `CoreDNS` (by its predecessor's name), the service proxy, and kind's pod network.
const APPS: [&str; 3] = ["kube-dns", "kube-proxy", "kindnet"];

/// A cluster is not well.
#[derive(Debug, thiserror::Error)]
pub(super) enum MendError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("container {0} is gone")]
    Gone(NodeName),
    #[error("talk to the cluster's API")]
    Api(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Wait(#[from] WaitError),
}

/// Starts what does not run, then waits until every node and every system pod is Ready. Without a pod network, which a
/// cluster's user brings, every kubelet must be alive and no more.
pub(super) async fn mend(engine: &dyn Engine, record: &ClusterRecord, has_network: bool) -> Result<(), MendError> {
    // By when a kubelet must have given a sign of life, for each node.
    let long_enough = SystemTime::now() - FRESH;
    let mut signs = Vec::new();
    for name in record.load_balancer.iter().chain(record.nodes.iter().map(|node| &node.name)) {
        let since = start(engine, name).await?;
        if record.load_balancer.as_ref() != Some(name) {
            signs.push((name, since.max(long_enough)));
        }
    }
    let client = client_of(record).await.map_err(|error| MendError::Api(error.into()))?;
    kubelets_alive(&client, &signs).await?;
    if !has_network {
        return Ok(());
    }
    wait::nodes_ready(&client, record.nodes.len(), LIMIT).await?;
    system_pods_ready(&client).await?;
    Ok(())
}

/// Starts or thaws a container that does not run. Says since when it runs.
async fn start(engine: &dyn Engine, name: &NodeName) -> Result<SystemTime, MendError> {
    let Some(facts) = engine.container(name.as_str()).await? else { return Err(MendError::Gone(name.clone())) };
    if facts.state == "paused" {
        engine.unpause_container(name.as_str()).await?;
    } else if !facts.is_running() {
        engine.start_container(name.as_str()).await?;
    } else {
        // What an engine says that nobody can read counts as long ago.
        return Ok(OffsetDateTime::parse(&facts.started, &Rfc3339).map_or(SystemTime::UNIX_EPOCH, SystemTime::from));
    }
    Ok(SystemTime::now())
}

/// Waits until every kubelet has renewed its lease since the given time.
async fn kubelets_alive(client: &Client, signs: &[(&NodeName, SystemTime)]) -> Result<(), WaitError> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), "kube-node-lease");
    wait::until("the kubelets alive", LIMIT, async || match leases.list(&ListParams::default()).await {
        Err(error) => Check::not_yet(words_of_api(&error)),
        Ok(list) => {
            let renewed = |name: &NodeName| {
                let lease = list.items.iter().find(|lease| lease.name_any() == name.as_str())?;
                Some(SystemTime::from(lease.spec.as_ref()?.renew_time.as_ref()?.0))
            };
            let silent = signs.iter().filter(|(name, since)| renewed(name).is_none_or(|time| time < *since));
            let silent: Vec<&str> = silent.map(|(name, _)| name.as_str()).collect();
            if silent.is_empty() { Check::Done(()) } else { Check::not_yet(format!("silent: {}", silent.join(", "))) }
        }
    })
    .await
}

/// Waits until every pod that makes the cluster work is Ready. Those that tests add in the same namespace do not count.
async fn system_pods_ready(client: &Client) -> Result<(), WaitError> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "kube-system");
    wait::until("system pods Ready", LIMIT, async || match pods.list(&ListParams::default()).await {
        Err(error) => Check::not_yet(words_of_api(&error)),
        Ok(list) => {
            let unready =
                list.items.iter().filter(|pod| came_with_the_cluster(pod) && !is_ready(pod)).map(ResourceExt::name_any);
            let unready: Vec<String> = unready.collect();
            if unready.is_empty() { Check::Done(()) } else { Check::not_yet(unready.join(", ")) }
        }
    })
    .await
}

/// The kubelet's own pods, and those that kubeadm and a pod network add.
fn came_with_the_cluster(pod: &Pod) -> bool {
    let app = pod.labels().get("k8s-app").or_else(|| pod.labels().get("app"));
    pod.annotations().contains_key(MIRROR) || app.is_some_and(|app| APPS.contains(&app.as_str()))
}

fn is_ready(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let ready = status.conditions.iter().flatten().any(|one| one.type_ == "Ready" && one.status == "True");
    ready || status.phase.as_deref() == Some("Succeeded")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_of_a_tests_own_says_nothing_of_the_cluster() {
        let pod = |metadata| -> Pod { serde_json::from_value(json!({ "metadata": metadata })).unwrap() };
        let is_its_own = |metadata| came_with_the_cluster(&pod(metadata));
        assert!(is_its_own(json!({ "annotations": { MIRROR: "1" } })));
        assert!(is_its_own(json!({ "labels": { "k8s-app": "kube-dns" } })));
        assert!(is_its_own(json!({ "labels": { "app": "kindnet" } })));
        assert!(!is_its_own(json!({ "labels": { "app": "operator" } })));
        assert!(!is_its_own(json!({})));
    }
}
