//! Looking whether a cluster is well, and bringing back what only stopped.
//!
//! What cannot be brought back quickly is an error here; making the cluster anew is the keeper's decision.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::future::try_join_all;
use k8s_openapi::api::{coordination::v1::Lease, core::v1::Pod};
use kind_core::{
    cluster::{ClusterRecord, client_of},
    power::{self, PowerError},
    spec::{LABEL_ROLE, NodeName, ROLE_REGISTRY, cluster_labels},
    wait::{self, Check, WaitError, words_of_api},
};
use kind_engine::{Engine, EngineError};
use kube::{Api, Client, ResourceExt, api::ListParams};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// How long a cluster may take to come back, and how much longer for each node.
const LIMIT: Duration = Duration::from_secs(90);
const PER_NODE: Duration = Duration::from_secs(3);
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
    Power(#[from] PowerError),
    #[error(transparent)]
    Wait(#[from] WaitError),
    #[error("read the clock of the engine's machine: it shows {time:?}")]
    Clock {
        time: String,
        #[source]
        source: time::error::Parse,
    },
}

/// Starts what does not run, then waits until every node and every system pod is Ready. Without a pod network, which a
/// cluster's user brings, every kubelet must be alive and no more.
pub(super) async fn mend(engine: &Arc<dyn Engine>, record: &ClusterRecord, has_network: bool) -> Result<(), MendError> {
    let signs = start_all(&**engine, record).await?;
    let client = client_of(record, engine).await.map_err(|error| MendError::Api(error.into()))?;
    is_well(&client, record, &signs, has_network).await
}

/// Lets a paused cluster go on, then waits until it is well.
pub(super) async fn resume(
    engine: &Arc<dyn Engine>,
    record: &ClusterRecord,
    has_network: bool,
) -> Result<(), MendError> {
    power::thaw(&**engine, &record.name).await?;
    let signs = start_all(&**engine, record).await?;
    let client = client_of(record, engine).await.map_err(|error| MendError::Api(error.into()))?;
    power::go_on(&**engine, &record.name, &client).await?;
    is_well(&client, record, &signs, has_network).await
}

async fn is_well(
    client: &Client,
    record: &ClusterRecord,
    signs: &[(&NodeName, OffsetDateTime)],
    has_network: bool,
) -> Result<(), MendError> {
    let names = record.node_names();
    let limit = LIMIT.saturating_add(PER_NODE.saturating_mul(u32::try_from(names.len()).unwrap_or(u32::MAX)));
    kubelets_alive(client, signs, limit).await?;
    if !has_network {
        return Ok(());
    }
    wait::nodes_ready(client, &names, limit).await?;
    system_pods_ready(client, &names, limit).await?;
    Ok(())
}

/// Starts everything of a cluster that does not run, all at once. Says by when each node's kubelet must have given a sign of
/// life, by the clock of the engine's machine, which is the nodes' own.
async fn start_all<'a>(
    engine: &dyn Engine,
    record: &'a ClusterRecord,
) -> Result<Vec<(&'a NodeName, OffsetDateTime)>, MendError> {
    let long_enough = now(engine).await? - FRESH;
    let nodes = record.nodes.iter().map(async |node| {
        let since = start(engine, node.container()).await?;
        Ok((&node.name, since.max(long_enough)))
    });
    let balancer = async {
        match &record.load_balancer {
            Some(name) => start(engine, name).await.map(drop),
            None => Ok(()),
        }
    };
    let ((), (), signs) = futures::try_join!(balancer, start_registries(engine, record), try_join_all(nodes))?;
    Ok(signs)
}

/// Starts the cluster's registry, and its mirrors as far as they come up: where one does not, nodes ask the host itself.
async fn start_registries(engine: &dyn Engine, record: &ClusterRecord) -> Result<(), MendError> {
    if record.registry.is_none() {
        return Ok(());
    }
    let own = record.name.registry();
    let mut labels = cluster_labels(&record.name);
    labels.insert(LABEL_ROLE.to_owned(), ROLE_REGISTRY.to_owned());
    for mirror in engine.containers(&labels).await? {
        let is_own = mirror.name == own.as_str();
        if !is_own
            && !mirror.is_running()
            && let Err(error) = engine.start_container(&mirror.name).await
        {
            tracing::warn!(mirror = mirror.name, "a mirror of a cluster's registry does not start: {error}");
        }
    }
    start(engine, &own).await.map(drop)
}

/// What the clock of the engine's machine shows.
async fn now(engine: &dyn Engine) -> Result<OffsetDateTime, MendError> {
    let time = engine.facts().await?.time;
    OffsetDateTime::parse(&time, &Rfc3339).map_err(|source| MendError::Clock { time, source })
}

/// Starts or thaws a container that does not run. Says since when its processes run, which a pause does not end.
async fn start(engine: &dyn Engine, name: &NodeName) -> Result<OffsetDateTime, MendError> {
    let look = async || engine.container(name.as_str()).await?.ok_or_else(|| MendError::Gone(name.clone()));
    let facts = look().await?;
    if facts.state == "paused" {
        engine.unpause_container(name.as_str()).await?;
    }
    let facts = if facts.is_running() {
        facts
    } else {
        engine.start_container(name.as_str()).await?;
        look().await?
    };
    // What an engine says that nobody can read counts as long ago.
    Ok(OffsetDateTime::parse(&facts.started, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

/// Waits until every kubelet has renewed its lease since the given time.
async fn kubelets_alive(
    client: &Client,
    signs: &[(&NodeName, OffsetDateTime)],
    limit: Duration,
) -> Result<(), WaitError> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), "kube-node-lease");
    wait::until("the kubelets alive", limit, async || match leases.list(&ListParams::default()).await {
        Err(error) => Check::not_yet(words_of_api(&error)),
        Ok(list) => {
            let renewed = |name: &NodeName| {
                let lease = list.items.iter().find(|lease| lease.name_any() == name.as_str())?;
                let time = SystemTime::from(lease.spec.as_ref()?.renew_time.as_ref()?.0);
                Some(OffsetDateTime::from(time))
            };
            let silent = signs.iter().filter(|(name, since)| renewed(name).is_none_or(|time| time < *since));
            let silent: Vec<&str> = silent.map(|(name, _)| name.as_str()).collect();
            if silent.is_empty() { Check::Done(()) } else { Check::not_yet(format!("silent: {}", silent.join(", "))) }
        }
    })
    .await
}

/// Waits until every pod that makes the cluster work is Ready. Those that tests add in the same namespace do not count.
async fn system_pods_ready(client: &Client, nodes: &[&str], limit: Duration) -> Result<(), WaitError> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "kube-system");
    wait::until("system pods Ready", limit, async || match pods.list(&ListParams::default()).await {
        Err(error) => Check::not_yet(words_of_api(&error)),
        Ok(list) => {
            let unready =
                list.items.iter().filter(|pod| counts(pod, nodes) && !is_ready(pod)).map(ResourceExt::name_any);
            let unready: Vec<String> = unready.collect();
            if unready.is_empty() { Check::Done(()) } else { Check::not_yet(unready.join(", ")) }
        }
    })
    .await
}

/// Whether the cluster is not well while this pod is not Ready. One that failed has another in its place, and one on a node
/// that a test added, where a `DaemonSet` has pods, too, is that test's.
fn counts(pod: &Pod, nodes: &[&str]) -> bool {
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    let is_elsewhere = node.is_some_and(|node| !nodes.contains(&node));
    let has_failed = pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Failed"));
    came_with_the_cluster(pod) && !is_elsewhere && !has_failed
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
    use kind_engine::{ContainerSpec, FakeEngine, Outcome};
    use serde_json::json;

    use super::*;
    use kind_core::{
        cluster::NodeRecord,
        fake_api::{Answer, FakeApi},
        spec::{ClusterName, Role},
    };

    fn record() -> ClusterRecord {
        let name = ClusterName::new("demo").unwrap();
        let node = |role| NodeRecord::new(name.node(role, 0), role, [100, 64, 7, 11].into());
        let mut record = ClusterRecord::existing(name.clone(), String::new(), String::new());
        record.nodes = vec![node(Role::ControlPlane), node(Role::Worker)];
        record.registry = Some(5001);
        record
    }

    /// The containers of that cluster, which all run.
    async fn engine() -> FakeEngine {
        let engine = FakeEngine::default();
        let name = record().name;
        let roles = [("control-plane", "control-plane"), ("worker", "worker")];
        let registries = [("registry", ROLE_REGISTRY), ("mirror", ROLE_REGISTRY)];
        for (container, role) in roles.into_iter().chain(registries) {
            let mut labels = cluster_labels(&name);
            labels.insert(LABEL_ROLE.to_owned(), role.to_owned());
            let spec = ContainerSpec { name: format!("demo-{container}"), labels, ..ContainerSpec::default() };
            engine.run_container(&spec).await.unwrap();
        }
        engine
    }

    fn started(engine: &FakeEngine) -> Vec<String> {
        engine.calls().into_iter().filter(|call| call.starts_with("start ")).collect()
    }

    #[tokio::test]
    async fn everything_that_stopped_is_started_the_registry_and_its_mirrors_too() {
        let engine = engine().await;
        start_all(&engine, &record()).await.unwrap();
        assert_eq!(started(&engine), Vec::<String>::new());
        for name in ["worker", "registry", "mirror"] {
            engine.stop_container(&format!("demo-{name}"), 0).await.unwrap();
        }
        start_all(&engine, &record()).await.unwrap();
        let mut started = started(&engine);
        started.sort();
        assert_eq!(started, ["start demo-mirror", "start demo-registry", "start demo-worker"]);
    }

    #[tokio::test]
    async fn a_mirror_that_does_not_come_up_condemns_nobody_and_a_lost_registry_does() {
        let engine = engine().await;
        engine.stop_container("demo-mirror", 0).await.unwrap();
        engine.when("start demo-mirror", Outcome::Refuse("no such host".to_owned()));
        start_all(&engine, &record()).await.unwrap();
        engine.remove_container("demo-registry").await.unwrap();
        assert!(
            matches!(start_all(&engine, &record()).await, Err(MendError::Gone(name)) if name.as_str() == "demo-registry")
        );
    }

    #[tokio::test]
    async fn kubelets_are_judged_by_the_clock_of_the_engines_machine() {
        // The fake engine's clock stands on 1 January 2026, long ago for this machine.
        let record = record();
        let signs = start_all(&engine().await, &record).await.unwrap();
        let lease =
            |node: &str, renewed: &str| json!({ "metadata": { "name": node }, "spec": { "renewTime": renewed } });
        let limit = Duration::from_millis(300);
        let of = |worker: &'static str| {
            let leases = json!([
                lease("demo-control-plane", "2026-01-01T11:59:50.000000Z"),
                lease("demo-worker", worker),
                lease("kwok-node", "2020-01-01T00:00:00.000000Z"),
            ]);
            FakeApi::default().client(move |_, _, _| Answer::items(&leases))
        };
        kubelets_alive(&of("2026-01-01T12:00:01.000000Z"), &signs, limit).await.unwrap();
        let error = kubelets_alive(&of("2026-01-01T11:59:30.000000Z"), &signs, limit).await.unwrap_err();
        assert!(error.last.contains("silent: demo-worker"), "{error}");
    }

    #[test]
    fn a_pod_that_failed_or_is_on_a_node_of_a_test_does_not_count() {
        let pod = |node: &str, phase: &str| -> Pod {
            let metadata = json!({ "labels": { "k8s-app": "kube-proxy" } });
            let pod = json!({ "metadata": metadata, "spec": { "nodeName": node, "containers": [] }, "status": { "phase": phase } });
            serde_json::from_value(pod).unwrap()
        };
        assert!(counts(&pod("a", "Pending"), &["a"]));
        assert!(!counts(&pod("a", "Failed"), &["a"]));
        assert!(!counts(&pod("kwok-0", "Pending"), &["a"]));
    }

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
