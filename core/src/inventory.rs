//! Which clusters and nodes the engine has, ours and those of the real kind. Read only.

use std::collections::BTreeMap;

use kind_engine::{ContainerFacts, Engine, EngineError, Labels};
use serde::Serialize;

mod find;

pub use find::{FindError, cluster, node, running_nodes};

use crate::spec::{
    ClusterName, LABEL_CLUSTER, LABEL_CONTAINER, LABEL_MANAGED, LABEL_SCOPE, cluster_filter, is_name_in,
};

/// Who made a cluster, and therefore who removes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Maker {
    /// Another tool, such as the real kind. It is never removed here.
    #[serde(rename = "other-tool")]
    Stranger,
    /// Tests; it goes when nobody uses it any more.
    Tests,
    /// The command line; it stays until it is deleted.
    CommandLine,
}

impl Maker {
    /// Who made this container.
    pub fn of(container: &ContainerFacts) -> Self {
        // An emptied one is that of another cluster, which a snapshot was made of.
        let has = |label: &str| container.labels.get(label).is_some_and(|value| !value.is_empty());
        match (has(LABEL_MANAGED), has(LABEL_SCOPE)) {
            (false, _) => Self::Stranger,
            (true, true) => Self::Tests,
            (true, false) => Self::CommandLine,
        }
    }
}

/// Every cluster's name, sorted, and who made it.
///
/// # Errors
/// When the engine does not answer.
pub async fn clusters(engine: &dyn Engine) -> Result<BTreeMap<String, Maker>, EngineError> {
    let mut clusters = BTreeMap::new();
    for mut container in all_containers(engine).await? {
        let maker = Maker::of(&container);
        if let Some(name) = container.labels.remove(LABEL_CLUSTER) {
            // Where two share a name, the one that may least be touched counts.
            clusters.entry(name).and_modify(|known: &mut Maker| *known = maker.min(*known)).or_insert(maker);
        }
    }
    Ok(clusters)
}

/// The containers of every cluster, sorted by name.
///
/// # Errors
/// When the engine does not answer.
pub async fn all_containers(engine: &dyn Engine) -> Result<Vec<ContainerFacts>, EngineError> {
    members(engine, &Labels::from([(LABEL_CLUSTER.to_owned(), String::new())])).await
}

/// The containers of a cluster, its load balancer among them, sorted by name. Empty where there is no such cluster.
///
/// # Errors
/// When the engine does not answer.
pub async fn containers(engine: &dyn Engine, name: &ClusterName) -> Result<Vec<ContainerFacts>, EngineError> {
    members(engine, &cluster_filter(name)).await
}

/// The containers that carry all of these labels (an empty value stands for any) and are part of the cluster that their
/// labels name, sorted by name. Whoever wants containers by label asks here.
///
/// # Errors
/// When the engine does not answer.
pub async fn members(engine: &dyn Engine, labels: &Labels) -> Result<Vec<ContainerFacts>, EngineError> {
    let mut containers = engine.containers(labels).await?;
    containers.retain(is_member);
    containers.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(containers)
}

/// Whether a container is part of the cluster that its labels name, and no copy of one that is: who starts a container
/// from an image of a node (`docker commit`) has a container with all of the node's labels, and another name.
pub fn is_member(container: &ContainerFacts) -> bool {
    let Some(cluster) = container.labels.get(LABEL_CLUSTER) else { return false };
    match container.labels.get(LABEL_CONTAINER) {
        Some(name) => *name == container.name,
        // One of the real kind, or of kind-rs before it had that label.
        None => is_name_in(cluster, &container.name),
    }
}

#[cfg(test)]
mod tests {
    use kind_engine::{ContainerSpec, FakeEngine};

    use super::*;

    async fn add(engine: &FakeEngine, name: &str, labels: &[(&str, &str)]) {
        let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        let spec = ContainerSpec { name: name.to_owned(), labels, ..ContainerSpec::default() };
        engine.run_container(&spec).await.unwrap();
    }

    #[tokio::test]
    async fn clusters_are_known_by_their_makers() {
        let engine = FakeEngine::default();
        add(&engine, "b-worker", &[(LABEL_CLUSTER, "b"), (LABEL_MANAGED, "1")]).await;
        add(&engine, "b-control-plane", &[(LABEL_CLUSTER, "b"), (LABEL_MANAGED, "1")]).await;
        add(&engine, "kt-control-plane", &[(LABEL_CLUSTER, "kt"), (LABEL_MANAGED, "1"), (LABEL_SCOPE, "s")]).await;
        add(&engine, "alien-control-plane", &[(LABEL_CLUSTER, "alien")]).await;
        add(&engine, "database", &[]).await;
        add(&engine, "mixed-control-plane", &[(LABEL_CLUSTER, "mixed"), (LABEL_MANAGED, "1")]).await;
        add(&engine, "mixed-worker", &[(LABEL_CLUSTER, "mixed")]).await;
        let clusters: Vec<(String, Maker)> = clusters(&engine).await.unwrap().into_iter().collect();
        let expected =
            [("alien", Maker::Stranger), ("b", Maker::CommandLine), ("kt", Maker::Tests), ("mixed", Maker::Stranger)];
        assert_eq!(clusters, expected.map(|(name, maker)| (name.to_owned(), maker)));
    }

    #[tokio::test]
    async fn a_copy_of_a_node_is_part_of_no_cluster() {
        let engine = FakeEngine::default();
        let labels = [(LABEL_CLUSTER, "a"), (LABEL_MANAGED, "1"), (LABEL_CONTAINER, "a-control-plane")];
        for name in ["a-control-plane", "debug", "a-worker"] {
            add(&engine, name, &labels).await;
        }
        // Of the real kind, which has no such label.
        for name in ["b-worker", "b-control-plane2", "b-debug", "dreamy_turing"] {
            add(&engine, name, &[(LABEL_CLUSTER, "b")]).await;
        }
        let found = all_containers(&engine).await.unwrap().into_iter().map(|found| found.name);
        assert_eq!(found.collect::<Vec<_>>(), ["a-control-plane", "b-control-plane2", "b-worker"]);
    }

    #[tokio::test]
    async fn containers_are_sorted_and_those_of_one_cluster() {
        let engine = FakeEngine::default();
        add(&engine, "b-worker", &[(LABEL_CLUSTER, "b")]).await;
        add(&engine, "b-control-plane", &[(LABEL_CLUSTER, "b")]).await;
        add(&engine, "c-control-plane", &[(LABEL_CLUSTER, "c")]).await;
        let found = containers(&engine, &ClusterName::new("b").unwrap()).await.unwrap();
        assert_eq!(found.into_iter().map(|found| found.name).collect::<Vec<_>>(), ["b-control-plane", "b-worker"]);
    }
}
