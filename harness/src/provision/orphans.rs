//! Networks whose cluster is gone: who removes a cluster by its containers, as the real kind does, leaves its network.

use std::time::{Duration, SystemTime};

use kind_engine::{Engine, EngineError, Labels, NetworkFacts};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::spec::{LABEL_CLUSTER, LABEL_MANAGED, LABEL_SCOPE};

/// For how long a network may be without containers because its cluster is being made. The step in between has a limit of
/// its own, which is shorter.
const IN_THE_MAKING: Duration = Duration::from_secs(600);

/// A network of a cluster that has no container.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrphanNetwork {
    /// The engine's identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether its cluster may be in the making: it is younger than ten minutes, or the engine does not say how old it is.
    pub young: bool,
}

/// The networks of clusters that the command line made and that have no container, sorted by name. What tests made is left
/// to their sweeps.
///
/// # Errors
/// When the engine does not answer.
pub async fn orphan_networks(engine: &dyn Engine) -> Result<Vec<OrphanNetwork>, EngineError> {
    // Before the containers: a network that is there already keeps its cluster's containers from being missed.
    let networks = engine.networks(&Labels::from([(LABEL_MANAGED.to_owned(), String::new())])).await?;
    let containers = engine.containers(&Labels::from([(LABEL_CLUSTER.to_owned(), String::new())])).await?;
    let is_orphan = |network: &NetworkFacts| {
        let Some(cluster) = network.labels.get(LABEL_CLUSTER) else { return false };
        let has_it = |labels: &Labels| labels.get(LABEL_CLUSTER) == Some(cluster);
        !network.labels.contains_key(LABEL_SCOPE) && !containers.iter().any(|container| has_it(&container.labels))
    };
    let mut orphans: Vec<OrphanNetwork> = networks
        .into_iter()
        .filter(is_orphan)
        .map(|network| OrphanNetwork { young: is_young(&network.created), id: network.id, name: network.name })
        .collect();
    orphans.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(orphans)
}

fn is_young(created: &str) -> bool {
    let Ok(created) = OffsetDateTime::parse(created, &Rfc3339) else { return true };
    // An engine whose clock is ahead of ours has made it just now.
    SystemTime::now().duration_since(created.into()).map_or(true, |age| age < IN_THE_MAKING)
}

#[cfg(test)]
mod tests {
    use kind_engine::{ContainerSpec, FakeEngine, NetworkSpec};

    use super::*;

    const LONG_AGO: &str = "2020-01-01T00:00:00.123456789Z";

    async fn network(engine: &FakeEngine, name: &str, labels: &[(&str, &str)], created: &str) {
        let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        let spec = NetworkSpec { name: name.to_owned(), labels, ..NetworkSpec::default() };
        engine.create_network(&spec).await.unwrap();
        engine.date_network(name, created);
    }

    #[tokio::test]
    async fn only_a_network_of_ours_without_any_container_of_its_cluster_is_one() {
        let engine = FakeEngine::default();
        let ours = |cluster| [(LABEL_CLUSTER, cluster), (LABEL_MANAGED, "1")];
        network(&engine, "kind", &[], LONG_AGO).await;
        network(&engine, "stranger", &[(LABEL_CLUSTER, "stranger")], LONG_AGO).await;
        network(&engine, "kind-rs-up", &ours("up"), LONG_AGO).await;
        network(&engine, "kind-rs-theirs", &ours("theirs"), LONG_AGO).await;
        network(&engine, "kind-rs-gone", &ours("gone"), LONG_AGO).await;
        let of_tests = [(LABEL_CLUSTER, "kt-1"), (LABEL_MANAGED, "1"), (LABEL_SCOPE, "1")];
        network(&engine, "kind-rs-kt-1", &of_tests, LONG_AGO).await;
        for (name, cluster) in [("up-control-plane", "up"), ("theirs-control-plane", "theirs")] {
            let labels = [(LABEL_CLUSTER.to_owned(), cluster.to_owned())].into();
            let spec = ContainerSpec { name: name.to_owned(), labels, ..ContainerSpec::default() };
            engine.run_container(&spec).await.unwrap();
        }
        let orphans = orphan_networks(&engine).await.unwrap();
        let gone = OrphanNetwork { id: "kind-rs-gone".to_owned(), name: "kind-rs-gone".to_owned(), young: false };
        assert_eq!(orphans, [gone]);
    }

    #[test]
    fn what_may_be_in_the_making_is_young() {
        let at = |seconds: i64| {
            let time = OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
            time.format(&Rfc3339).unwrap()
        };
        assert!(!is_young(LONG_AGO) && !is_young(&at(-660)) && !is_young("2020-01-01T02:00:00+02:00"));
        assert!(is_young(&at(-540)) && is_young(&at(60)) && is_young(""));
    }
}
