//! Removal: everything that carries a cluster's labels, containers first, then networks. Doing it twice does no harm.

use futures::future::join_all;
use kind_engine::{ContainerFacts, Engine, EngineError};

use crate::spec::{ClusterName, cluster_filter, cluster_labels};

/// A cluster could not be removed as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DestroyError {
    /// The engine refused or did not answer.
    #[error("remove cluster {name}")]
    Engine {
        /// The cluster's name.
        name: ClusterName,
        /// Why it failed.
        #[source]
        source: EngineError,
    },
    /// A cluster of that name exists, but another tool made it.
    #[error(
        "remove cluster {name}: its containers ({containers}) do not carry our label, another tool made them; `kind-rs delete cluster --name {name}` removes them all the same"
    )]
    NotOurs {
        /// The cluster's name.
        name: ClusterName,
        /// The containers.
        containers: String,
    },
}

/// Removes a cluster of ours: its containers with their volumes, then its network. Returns their names. A cluster that
/// does not exist is no error.
///
/// # Errors
/// When the engine refuses, or another tool made the cluster.
pub async fn destroy(engine: &dyn Engine, name: &ClusterName) -> Result<Vec<String>, DestroyError> {
    let failed = |source| DestroyError::Engine { name: name.clone(), source };
    let ours = engine.containers(&cluster_labels(name)).await.map_err(failed)?;
    if ours.is_empty() {
        let others = engine.containers(&cluster_filter(name)).await.map_err(failed)?;
        if !others.is_empty() {
            let containers = others.iter().map(|found| found.name.clone()).collect::<Vec<_>>().join(", ");
            return Err(DestroyError::NotOurs { name: name.clone(), containers });
        }
    }
    remove(engine, name, ours).await.map_err(failed)
}

/// Removes a cluster that a user named, also one that the real kind made: every container with kind's label and that
/// name, with its volumes, then the cluster's own network. The network `kind`, which all clusters of the real kind
/// share, stays, as it does there. Nothing that cleans up by itself may call this.
///
/// # Errors
/// When the engine refuses.
pub async fn destroy_named(engine: &dyn Engine, name: &ClusterName) -> Result<Vec<String>, DestroyError> {
    let failed = |source| DestroyError::Engine { name: name.clone(), source };
    let containers = engine.containers(&cluster_filter(name)).await.map_err(failed)?;
    remove(engine, name, containers).await.map_err(failed)
}

async fn remove(
    engine: &dyn Engine,
    name: &ClusterName,
    containers: Vec<ContainerFacts>,
) -> Result<Vec<String>, EngineError> {
    let removals = join_all(containers.iter().map(|container| engine.remove_container(&container.id))).await;
    removals.into_iter().collect::<Result<Vec<()>, _>>()?;
    let mut removed: Vec<String> = containers.into_iter().map(|container| container.name).collect();
    for network in engine.networks(&cluster_labels(name)).await? {
        engine.remove_network(&network.id).await?;
        removed.push(network.name);
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use kind_engine::{ContainerSpec, FakeEngine, NetworkSpec};

    use super::*;
    use crate::spec::LABEL_CLUSTER;

    /// A cluster `a` of the real kind, one `b` of its, one `c` of ours, and what belongs to nobody known.
    async fn engine() -> FakeEngine {
        let engine = FakeEngine::default();
        let of_kind = |name: &str| [(LABEL_CLUSTER.to_owned(), name.to_owned())].into();
        let ours = cluster_labels(&ClusterName::new("c").unwrap());
        let labelled = [
            ("a-control-plane", of_kind("a")),
            ("a-worker", of_kind("a")),
            ("b-control-plane", of_kind("b")),
            ("c-control-plane", ours.clone()),
            // Named as a node, but without a label.
            ("a-worker2", [].into()),
        ];
        for (name, labels) in labelled {
            let spec = ContainerSpec { name: name.to_owned(), labels, ..ContainerSpec::default() };
            engine.run_container(&spec).await.unwrap();
        }
        for (name, labels) in [("kind", [].into()), ("kind-rs-a", [].into()), ("kind-rs-c", ours)] {
            engine
                .create_network(&NetworkSpec { name: name.to_owned(), labels, ..NetworkSpec::default() })
                .await
                .unwrap();
        }
        engine
    }

    #[tokio::test]
    async fn a_cluster_of_kind_goes_when_it_is_named_and_takes_nothing_else_along() {
        let engine = engine().await;
        let before = engine.left();
        let removed = destroy_named(&engine, &ClusterName::new("a").unwrap()).await.unwrap();
        assert_eq!(removed, ["a-control-plane", "a-worker"]);
        let expected: Vec<String> = before.into_iter().filter(|name| !removed.contains(name)).collect();
        assert_eq!(engine.left(), expected);
        assert!(destroy_named(&engine, &ClusterName::new("a").unwrap()).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn one_of_ours_goes_with_its_network() {
        let removed = destroy_named(&engine().await, &ClusterName::new("c").unwrap()).await.unwrap();
        assert_eq!(removed, ["c-control-plane", "kind-rs-c"]);
    }

    #[tokio::test]
    async fn what_cleans_up_by_itself_never_takes_a_cluster_of_kind() {
        let engine = engine().await;
        let before = engine.left();
        let error = destroy(&engine, &ClusterName::new("a").unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("another tool made them"), "{error}");
        assert_eq!(engine.left(), before);
    }
}
