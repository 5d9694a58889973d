//! Which clusters and nodes the engine has, ours and those of the real kind. Read only.

use std::collections::BTreeMap;

use kind_engine::{ContainerFacts, Engine, EngineError, Labels};

use crate::spec::{ClusterName, LABEL_CLUSTER, LABEL_MANAGED, cluster_filter};

/// Every cluster's name, sorted, and whether it is ours: only those are ever removed.
///
/// # Errors
/// When the engine does not answer.
pub async fn clusters(engine: &dyn Engine) -> Result<BTreeMap<String, bool>, EngineError> {
    let any = Labels::from([(LABEL_CLUSTER.to_owned(), String::new())]);
    let mut clusters = BTreeMap::new();
    for mut container in engine.containers(&any).await? {
        let ours = container.labels.contains_key(LABEL_MANAGED);
        if let Some(name) = container.labels.remove(LABEL_CLUSTER) {
            *clusters.entry(name).or_insert(false) |= ours;
        }
    }
    Ok(clusters)
}

/// The containers of a cluster, its load balancer among them, sorted by name. Empty where there is no such cluster.
///
/// # Errors
/// When the engine does not answer.
pub async fn containers(engine: &dyn Engine, name: &ClusterName) -> Result<Vec<ContainerFacts>, EngineError> {
    let mut containers = engine.containers(&cluster_filter(name)).await?;
    containers.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(containers)
}
