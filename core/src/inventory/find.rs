//! Finding one cluster's containers, and one node among them, for people who type names.

use kind_engine::{ContainerFacts, Engine, EngineError};

use super::{clusters, containers};
use crate::spec::{ClusterName, LABEL_ROLE, Role, is_node, nearest};

/// The state of a container whose processes are frozen: it runs, and answers nothing.
const FROZEN: &str = "paused";
/// How many names an error lists.
const MOST_NAMES: usize = 8;

/// There is no such cluster or node, or it does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// There is no such cluster.
    #[error("find cluster {name}: there is none of that name{}", among(name.as_str(), there, "there is no cluster at all"))]
    NoCluster {
        /// The name.
        name: ClusterName,
        /// The names that there are.
        there: Vec<String>,
    },
    /// The cluster has no such node.
    #[error(
        "find node {node} of cluster {cluster}: it has none of that name{}",
        among(node, there, "it has none at all")
    )]
    NoNode {
        /// The cluster.
        cluster: ClusterName,
        /// The name.
        node: String,
        /// The names that it has.
        there: Vec<String>,
    },
    /// The cluster has no control plane: its creation was cut short.
    #[error("find a control plane of cluster {cluster}: none of its containers is one; delete it and create it anew")]
    NoControlPlane {
        /// The cluster.
        cluster: ClusterName,
    },
    /// The node does not run.
    #[error(
        "use node {node}: its container does not run ({state}); `kind-rs start cluster --name {cluster}` starts it"
    )]
    NotRunning {
        /// The cluster.
        cluster: ClusterName,
        /// The node.
        node: String,
        /// The container's state.
        state: String,
    },
    /// The node is frozen.
    #[error("use node {node}: it is frozen; `kind-rs unpause cluster --name {cluster}` lets it go on")]
    Frozen {
        /// The cluster.
        cluster: ClusterName,
        /// The node.
        node: String,
    },
    /// The engine.
    #[error("ask the engine for cluster {name}")]
    Engine {
        /// The cluster.
        name: ClusterName,
        /// Why it failed.
        #[source]
        source: EngineError,
    },
}

/// The nearest name where one is near, then those that there are.
fn among(written: &str, there: &[String], nothing: &str) -> String {
    if there.is_empty() {
        return format!("; {nothing}");
    }
    let names: Vec<&str> = there.iter().map(String::as_str).collect();
    let meant = nearest(written, &names).map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
    let more = names.len().saturating_sub(MOST_NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let listed = names[..names.len().min(MOST_NAMES)].join(", ");
    format!("{meant}; there is: {listed}{more}").replace("?;", "?")
}

/// The containers of a cluster, its load balancer among them, sorted by name.
///
/// # Errors
/// When there is no such cluster; the error names those that there are.
pub async fn cluster(engine: &dyn Engine, name: &ClusterName) -> Result<Vec<ContainerFacts>, FindError> {
    let failed = |source| FindError::Engine { name: name.clone(), source };
    let found = containers(engine, name).await.map_err(failed)?;
    if found.is_empty() {
        let there = clusters(engine).await.map_err(failed)?.into_keys().collect();
        return Err(FindError::NoCluster { name: name.clone(), there });
    }
    Ok(found)
}

/// A running node of a cluster, or its load balancer: by the container's name, or by that without the cluster's name
/// (`worker2`). Without a name the first control plane that runs.
///
/// # Errors
/// When there is no such cluster or node, or it does not run.
pub async fn node(engine: &dyn Engine, name: &ClusterName, wanted: Option<&str>) -> Result<ContainerFacts, FindError> {
    let found = cluster(engine, name).await?;
    let container = match wanted {
        Some(wanted) => named(&found, name, wanted)?,
        None => control_plane(&found).ok_or_else(|| FindError::NoControlPlane { cluster: name.clone() })?,
    };
    running(name, container.clone())
}

/// The nodes of a cluster, sorted by name, all of which run.
///
/// # Errors
/// When there is no such cluster, or one of its nodes does not run.
pub async fn running_nodes(engine: &dyn Engine, name: &ClusterName) -> Result<Vec<ContainerFacts>, FindError> {
    let found = cluster(engine, name).await?;
    found.into_iter().filter(|container| is_node(&container.labels)).map(|node| running(name, node)).collect()
}

fn running(cluster: &ClusterName, container: ContainerFacts) -> Result<ContainerFacts, FindError> {
    if container.state == FROZEN {
        return Err(FindError::Frozen { cluster: cluster.clone(), node: container.name });
    }
    if container.is_running() {
        return Ok(container);
    }
    Err(FindError::NotRunning { cluster: cluster.clone(), node: container.name, state: container.state })
}

fn named<'a>(
    found: &'a [ContainerFacts],
    cluster: &ClusterName,
    wanted: &str,
) -> Result<&'a ContainerFacts, FindError> {
    let prefix = format!("{cluster}-");
    let short = |container: &ContainerFacts| container.name.strip_prefix(&prefix).unwrap_or_default().to_owned();
    let is_wanted = |container: &&ContainerFacts| container.name == wanted || short(container) == wanted;
    found.iter().find(is_wanted).ok_or_else(|| {
        // In the form that was written, so that what is near looks near.
        let is_long = wanted.starts_with(&prefix);
        let there = found.iter().map(|one| if is_long { one.name.clone() } else { short(one) });
        FindError::NoNode { cluster: cluster.clone(), node: wanted.to_owned(), there: there.collect() }
    })
}

/// The first that runs, where one does: any of them will do.
fn control_plane(found: &[ContainerFacts]) -> Option<&ContainerFacts> {
    let role = Role::ControlPlane.to_string();
    let mut all = found.iter().filter(|container| container.labels.get(LABEL_ROLE) == Some(&role));
    let first = all.clone().next();
    all.find(|container| container.is_running() && container.state != FROZEN).or(first)
}

#[cfg(test)]
mod tests {
    use kind_engine::{ContainerSpec, FakeEngine};

    use super::*;
    use crate::spec::LABEL_CLUSTER;

    async fn engine() -> FakeEngine {
        let engine = FakeEngine::default();
        for (name, role) in [
            ("demo-control-plane", "control-plane"),
            ("demo-control-plane2", "control-plane"),
            ("demo-worker", "worker"),
            ("demo-external-load-balancer", "external-load-balancer"),
        ] {
            let labels = [(LABEL_CLUSTER, "demo"), (LABEL_ROLE, role)];
            let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned())).into();
            let spec = ContainerSpec { name: name.to_owned(), labels, ..ContainerSpec::default() };
            engine.run_container(&spec).await.unwrap();
        }
        engine
    }

    async fn found(name: &str, wanted: Option<&str>) -> Result<String, String> {
        let name = ClusterName::new(name).unwrap();
        let found = node(&engine().await, &name, wanted).await;
        found.map(|container| container.name).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_node_is_found_by_its_long_and_its_short_name() {
        assert_eq!(found("demo", None).await.unwrap(), "demo-control-plane");
        assert_eq!(found("demo", Some("demo-worker")).await.unwrap(), "demo-worker");
        assert_eq!(found("demo", Some("worker")).await.unwrap(), "demo-worker");
        assert_eq!(found("demo", Some("external-load-balancer")).await.unwrap(), "demo-external-load-balancer");
    }

    #[tokio::test]
    async fn a_name_that_is_not_there_is_answered_with_those_that_are() {
        let text = found("dmeo", None).await.unwrap_err();
        assert_eq!(text, "find cluster dmeo: there is none of that name, did you mean `demo`? there is: demo");
        let text = found("zzz", None).await.unwrap_err();
        assert_eq!(text, "find cluster zzz: there is none of that name; there is: demo");
        let text = found("demo", Some("wroker")).await.unwrap_err();
        assert!(text.contains("did you mean `worker`? there is: control-plane, control-plane2, "), "{text}");
        let text = found("demo", Some("demo-worker2")).await.unwrap_err();
        assert!(text.contains("did you mean `demo-worker`? there is: demo-control-plane, "), "{text}");
        let name = ClusterName::new("x").unwrap();
        let text = node(&FakeEngine::default(), &name, None).await.unwrap_err().to_string();
        assert_eq!(text, "find cluster x: there is none of that name; there is no cluster at all");
    }

    #[tokio::test]
    async fn all_nodes_have_to_run_and_the_one_that_does_not_is_named() {
        let (engine, name) = (engine().await, ClusterName::new("demo").unwrap());
        engine.stop_container("demo-external-load-balancer", 0).await.unwrap();
        assert_eq!(running_nodes(&engine, &name).await.unwrap().len(), 3, "no image goes into a load balancer");
        engine.stop_container("demo-worker", 0).await.unwrap();
        let text = running_nodes(&engine, &name).await.unwrap_err().to_string();
        assert!(
            text.contains("use node demo-worker") && text.contains("`kind-rs start cluster --name demo`"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn of_several_control_planes_a_running_one_is_taken() {
        let mut all = engine().await.containers(&kind_engine::Labels::new()).await.unwrap();
        for state in ["exited", FROZEN] {
            all.iter_mut().find(|one| one.name == "demo-control-plane").unwrap().state = state.to_owned();
            assert_eq!(control_plane(&all).unwrap().name, "demo-control-plane2");
        }
        for container in &mut all {
            container.state = "exited".to_owned();
        }
        assert_eq!(control_plane(&all).unwrap().name, "demo-control-plane");
    }
}
