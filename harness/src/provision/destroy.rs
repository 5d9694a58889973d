//! Removal: everything that carries a cluster's labels, containers first, then networks. Doing it twice does no harm.

use futures::future::join_all;
use kind_engine::{Engine, EngineError};

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
        "remove cluster {name}: its containers ({containers}) do not carry our label, another tool made them; delete it with that tool"
    )]
    NotOurs {
        /// The cluster's name.
        name: ClusterName,
        /// The containers.
        containers: String,
    },
}

/// Removes a cluster's containers with their volumes, then its network, and returns their names. A cluster that does
/// not exist is no error.
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
    let removals = join_all(ours.iter().map(|container| engine.remove_container(&container.id))).await;
    removals.into_iter().collect::<Result<Vec<()>, _>>().map_err(failed)?;
    let mut removed: Vec<String> = ours.into_iter().map(|container| container.name).collect();
    for network in engine.networks(&cluster_labels(name)).await.map_err(failed)? {
        engine.remove_network(&network.id).await.map_err(failed)?;
        removed.push(network.name);
    }
    Ok(removed)
}
