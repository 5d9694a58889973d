//! A whole cluster stopped, started, frozen and thawed, whoever made it: by its containers, since nothing else is known of
//! a cluster of the command line.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::future::try_join_all;
use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{Node, NodeCondition},
};
use kind_engine::{Command, CommandError, ContainerFacts, Engine, EngineError};
use kube::{Api, Client, ResourceExt, api::ListParams};

mod controllers;
mod freeze;
mod kubelets;
mod way;

pub use freeze::{freeze, go_on, pause, thaw, unpause};
use way::Way;

use crate::{
    inventory::{self, FindError},
    kubeconfig::ExportError,
    spec::{ClusterName, LABEL_ROLE, ROLE_LOAD_BALANCER, ROLE_REGISTRY, ROLE_SNAPSHOT, Role, is_node, node_name_of},
    wait::{Check, WaitError, until, until_or, words_of_api},
};

/// How long a container has to end its processes before they are killed.
const GRACE_SECONDS: i32 = 30;
/// How long a started node may take to accept commands.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often a cluster that comes back is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// Gives a node the addresses that its cluster knows it by: images that are not ours do not do so by themselves. Twice does
/// no harm, and a cluster of the real kind has none.
const ADDRESSES: &str = r#"
for address in ${KIND_RS_NODE_ADDRESS//,/ }; do
  case $address in *:*) once=nodad ;; *) once= ;; esac
  ip address replace "$address" dev eth0 $once || exit 1
done"#;

/// A cluster could not be stopped, started, frozen or thawed, or did not come back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PowerError {
    /// There is no such cluster.
    #[error(transparent)]
    Find(#[from] FindError),
    /// A container.
    #[error("{verb} {container}")]
    Container {
        /// What was tried.
        verb: &'static str,
        /// The container.
        container: String,
        /// Why it failed.
        #[source]
        source: EngineError,
    },
    /// A command in a node.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A node does not know the time.
    #[error("ask for the time of {container}: found {found:?}, expected seconds since 1970")]
    Clock {
        /// The container.
        container: String,
        /// What it said.
        found: String,
    },
    /// Containers do not run.
    #[error(
        "use cluster {cluster}: {containers} do not run; `kind-rs start cluster --name {cluster}` starts them, `kind-rs unpause cluster` lets frozen ones go on"
    )]
    NotRunning {
        /// The cluster.
        cluster: ClusterName,
        /// The containers, with their states.
        containers: String,
    },
    /// The API's address and credentials.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A client could not be made.
    #[error("make a client for cluster {cluster}")]
    Client {
        /// The cluster.
        cluster: ClusterName,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It did not come back in time.
    #[error(transparent)]
    Wait(#[from] WaitError),
}

/// Shuts the cluster's containers down, workers first, so that they can still tell the API; those that do not run are left
/// alone. Says how many were stopped.
///
/// # Errors
/// When there is no such cluster, or a container does not stop.
pub async fn stop(engine: &dyn Engine, name: &ClusterName) -> Result<usize, PowerError> {
    let containers = parts(engine, name).await?;
    let mut stopped = 0;
    for group in in_order(&containers).into_iter().rev() {
        let running: Vec<_> = group.into_iter().filter(|container| container.is_running()).collect();
        stopped += running.len();
        each(running, "stop", async |container| {
            // A frozen process cannot end.
            if container.state == PAUSED {
                engine.unpause_container(&container.name).await?;
            }
            engine.stop_container(&container.name, GRACE_SECONDS).await
        })
        .await?;
    }
    Ok(stopped)
}

/// Starts the cluster's containers: what others need first. Frozen ones go on. Says how many did not run.
///
/// # Errors
/// When there is no such cluster, or a container does not start.
pub async fn start(engine: &dyn Engine, name: &ClusterName) -> Result<usize, PowerError> {
    let containers = parts(engine, name).await?;
    let mut started = 0;
    for group in in_order(&containers) {
        let down: Vec<_> = group.into_iter().filter(|container| container.state != RUNNING).collect();
        started += down.len();
        each(down.clone(), "start", async |container| {
            if container.state == PAUSED {
                return engine.unpause_container(&container.name).await;
            }
            engine.start_container(&container.name).await
        })
        .await?;
        for container in down.into_iter().filter(|container| is_node(&container.labels)) {
            let command = Command::new(["bash", "-c", ADDRESSES]);
            until(format!("{} to accept commands", container.name), START_LIMIT, async || {
                match engine.exec(&container.name, &command).await {
                    Ok(output) if output.exit_code == 0 => Check::Done(()),
                    Ok(output) => Check::not_yet(String::from_utf8_lossy(&output.stderr)),
                    Err(error) => Check::not_yet(error),
                }
            })
            .await?;
        }
    }
    Ok(started)
}

/// Waits until the cluster is of use: every container runs, the API answers under the address that clients on the host
/// use (through the engine, where that address does not lead there from here), and every node's kubelet has given a sign
/// of life within `fresh` before now, by the nodes' own clock, or later, and says that the node is Ready. A node that only lacks a pod network, which a user brings, will do.
///
/// # Errors
/// When a container does not run, or the limit passes first; the error says what was last seen.
pub async fn well(
    engine: &Arc<dyn Engine>,
    name: &ClusterName,
    fresh: Duration,
    limit: Duration,
    tell: impl Fn(&str),
) -> Result<(), PowerError> {
    let containers = parts(&**engine, name).await?;
    let down = containers.iter().filter(|container| container.state != RUNNING);
    let down: Vec<String> = down.map(|container| format!("{} ({})", container.name, container.state)).collect();
    if !down.is_empty() {
        return Err(PowerError::NotRunning { cluster: name.clone(), containers: down.join(", ") });
    }
    let nodes: Vec<&ContainerFacts> = containers.iter().filter(|one| is_node(&one.labels)).collect();
    let (first, nodes) = (nodes.first().map(|node| node.name.as_str()), nodes.iter().map(|node| node_name_of(node)));
    let nodes: Vec<&str> = nodes.collect();
    let way = Way::to(engine, name, &containers).await?;
    let since = clock(&**engine, first.unwrap_or_default()).await? - fresh;
    until_or(EVERY, format!("cluster {name} to be of use"), limit, async || {
        let looked = look(way.client().await?, &nodes, since).await;
        if let Check::NotYet(status) = &looked {
            tell(status);
        }
        Ok::<_, PowerError>(looked)
    })
    .await??;
    Ok(())
}

/// The nodes' time, which need not be this machine's.
async fn clock(engine: &dyn Engine, container: &str) -> Result<SystemTime, PowerError> {
    let container = container.to_owned();
    let asked = engine.exec(&container, &Command::new(["date", "+%s"])).await;
    let output = asked.map_err(|source| PowerError::Container {
        verb: "ask for the time of",
        container: container.clone(),
        source,
    })?;
    let found = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let seconds = found.parse().map_err(|_| PowerError::Clock { container, found })?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

async fn look(client: &Client, names: &[&str], since: SystemTime) -> Check<()> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), "kube-node-lease");
    let leases = match leases.list(&ListParams::default()).await {
        Err(error) => return Check::not_yet(words_of_api(&error)),
        Ok(list) => list.items,
    };
    let nodes: Api<Node> = Api::all(client.clone());
    let nodes = match nodes.list(&ListParams::default()).await {
        Err(error) => return Check::not_yet(words_of_api(&error)),
        Ok(list) => list.items,
    };
    let alive = |name: &str| {
        let lease = leases.iter().find(|lease| lease.name_any() == name)?;
        Some(SystemTime::from(lease.spec.as_ref()?.renew_time.as_ref()?.0) >= since)
    };
    let missing = names.iter().filter_map(|name| {
        let Some(node) = nodes.iter().find(|node| node.name_any() == *name) else {
            return Some(format!("{name} is not registered"));
        };
        if alive(name) != Some(true) {
            return Some(format!("{name} has given no sign of life yet"));
        }
        unready(node).map(|why| format!("{name} is not Ready: {why}"))
    });
    let missing: Vec<String> = missing.collect();
    if missing.is_empty() { Check::Done(()) } else { Check::not_yet(missing.join("; ")) }
}

/// What a node's kubelet says of it.
fn readiness(node: &Node) -> Option<&NodeCondition> {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().find(|condition| condition.type_ == "Ready")
}

/// Why a node is of no use yet.
fn unready(node: &Node) -> Option<String> {
    let Some(ready) = readiness(node) else { return Some("no status yet".to_owned()) };
    let message = ready.message.clone().unwrap_or_default();
    let lacks_network = message.contains("NetworkPluginNotReady") || message.contains("cni plugin not initialized");
    (ready.status != "True" && !lacks_network).then_some(message)
}

/// The engine's words for states.
const RUNNING: &str = "running";
const PAUSED: &str = "paused";

/// What runs as long as the cluster does: not what a snapshot that was killed left beside it.
async fn parts(engine: &dyn Engine, name: &ClusterName) -> Result<Vec<ContainerFacts>, FindError> {
    let mut containers = inventory::cluster(engine, name).await?;
    containers.retain(|one| one.labels.get(LABEL_ROLE).is_none_or(|role| role != ROLE_SNAPSHOT));
    Ok(containers)
}

/// The containers in the order in which they are started: the load balancer and the registry, control planes, workers.
fn in_order(containers: &[ContainerFacts]) -> [Vec<&ContainerFacts>; 3] {
    let role = |container: &&ContainerFacts| container.labels.get(LABEL_ROLE).cloned().unwrap_or_default();
    let of = |roles: &[&str]| containers.iter().filter(|one| roles.contains(&role(one).as_str())).collect::<Vec<_>>();
    let beside = of(&[ROLE_LOAD_BALANCER, ROLE_REGISTRY]);
    let control_planes = of(&[Role::ControlPlane.to_string().as_str()]);
    let is_left = |one: &&ContainerFacts| beside.iter().chain(&control_planes).all(|placed| placed.name != one.name);
    let workers = containers.iter().filter(is_left).collect();
    [beside, control_planes, workers]
}

async fn each(
    containers: Vec<&ContainerFacts>,
    verb: &'static str,
    work: impl AsyncFn(&ContainerFacts) -> Result<(), EngineError>,
) -> Result<(), PowerError> {
    try_join_all(containers.into_iter().map(async |container| {
        let failed = |source| PowerError::Container { verb, container: container.name.clone(), source };
        work(container).await.map_err(failed)
    }))
    .await
    .map(drop)
}

#[cfg(test)]
mod tests;
