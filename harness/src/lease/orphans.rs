//! Networks whose cluster is gone: who removes a cluster by its containers, as the real kind does, leaves its network.
//!
//! Only where a person asks for it; no keeper and no other command does this by itself.

use std::time::Duration;

use kind_engine::{ContainerFacts, Engine, EngineError, Labels, NetworkFacts};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    error::chain,
    keeper::{Effect, SweepOutcome, Swept},
};
use crate::spec::{LABEL_CLUSTER, LABEL_MANAGED, LABEL_SCOPE};

/// For how long a network may be without containers because its cluster is being made. The step "start the containers" has
/// a limit of two minutes.
const IN_THE_MAKING: Duration = Duration::from_secs(600);

const WHY: &str = "its cluster has no container any more";

/// Removes the networks of clusters that the command line made and that have no container; tells of each what becomes of it.
/// What tests made is left to their sweeps.
///
/// # Errors
/// When the engine does not answer. What could not be removed is told and no error here.
pub async fn collect_networks(engine: &dyn Engine, effect: Effect, tell: &dyn Fn(Swept)) -> Result<(), EngineError> {
    // Networks first: the containers of one that is listed are there at the second look, or it is young.
    let mut networks = engine.networks(&Labels::from([(LABEL_MANAGED.to_owned(), String::new())])).await?;
    let containers = engine.containers(&Labels::new()).await?;
    networks.retain(|network| is_orphan(network, &containers));
    if networks.is_empty() {
        return Ok(());
    }
    networks.sort_by(|left, right| left.name.cmp(&right.name));
    let now = engine.facts().await?.time;
    for network in networks {
        let tell = |outcome| tell(Swept { what: format!("network {}", network.name), outcome });
        if let Some(attached) = containers.iter().find(|container| container.networks.contains(&network.name)) {
            tell(SweepOutcome::Stays(format!("container {} is attached to it", attached.name)));
        } else if is_young(&network.created, &now) {
            tell(SweepOutcome::Stays("its cluster may be in the making".to_owned()));
        } else {
            tell(SweepOutcome::Goes(WHY));
            if effect == Effect::Remove {
                let removed = engine.remove_network(&network.id).await;
                tell(removed.map_or_else(|error| SweepOutcome::Failed(chain(&error)), |()| SweepOutcome::Gone(WHY)));
            }
        }
    }
    Ok(())
}

/// Whether the command line made it, and no container of its cluster is there, whoever made that.
fn is_orphan(network: &NetworkFacts, containers: &[ContainerFacts]) -> bool {
    let Some(cluster) = network.labels.get(LABEL_CLUSTER) else { return false };
    let is_of_it = |container: &ContainerFacts| container.labels.get(LABEL_CLUSTER) == Some(cluster);
    !network.labels.contains_key(LABEL_SCOPE) && !containers.iter().any(is_of_it)
}

/// Both times are the engine's. Where it does not say one of them, the network is young for ever.
fn is_young(created: &str, now: &str) -> bool {
    let time = |text| OffsetDateTime::parse(text, &Rfc3339);
    match (time(created), time(now)) {
        (Ok(created), Ok(now)) => now - created < IN_THE_MAKING,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use kind_engine::{ContainerSpec, FakeEngine, NetworkSpec, Outcome};

    use super::*;

    /// Eleven and nine minutes before the fake engine's time.
    const LONG_AGO: &str = "2026-01-01T11:49:00.5Z";
    const JUST_NOW: &str = "2026-01-01T11:51:00.5Z";

    async fn network(engine: &FakeEngine, name: &str, labels: &[(&str, &str)], created: &str) {
        let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        let spec = NetworkSpec { name: name.to_owned(), labels, ..NetworkSpec::default() };
        engine.create_network(&spec).await.unwrap();
        engine.date_network(name, created);
    }

    async fn container(engine: &FakeEngine, name: &str, network: &str, cluster: Option<&str>) {
        let labels = cluster.map(|cluster| (LABEL_CLUSTER.to_owned(), cluster.to_owned()));
        let (name, network) = (name.to_owned(), network.to_owned());
        let labels = labels.into_iter().collect();
        engine.run_container(&ContainerSpec { name, network, labels, ..ContainerSpec::default() }).await.unwrap();
    }

    /// One network that is an orphan, and one of each kind that is none or must not go.
    async fn engine() -> FakeEngine {
        let engine = FakeEngine::default();
        let ours = |cluster| [(LABEL_CLUSTER, cluster), (LABEL_MANAGED, "1")];
        network(&engine, "kind", &[], LONG_AGO).await;
        network(&engine, "stranger", &[(LABEL_CLUSTER, "stranger")], LONG_AGO).await;
        for cluster in ["up", "theirs", "gone", "shared"] {
            network(&engine, &format!("kind-rs-{cluster}"), &ours(cluster), LONG_AGO).await;
        }
        network(&engine, "kind-rs-new", &ours("new"), JUST_NOW).await;
        network(&engine, "kind-rs-undated", &ours("undated"), "").await;
        let of_tests = [(LABEL_CLUSTER, "kt-1"), (LABEL_MANAGED, "1"), (LABEL_SCOPE, "1")];
        network(&engine, "kind-rs-kt-1", &of_tests, LONG_AGO).await;
        container(&engine, "up-control-plane", "kind-rs-up", Some("up")).await;
        // A cluster of the real kind that has the name now.
        container(&engine, "theirs-control-plane", "kind", Some("theirs")).await;
        container(&engine, "database", "kind-rs-shared", None).await;
        engine
    }

    async fn collect(engine: &FakeEngine, effect: Effect) -> Vec<(String, SweepOutcome)> {
        let told = RefCell::new(Vec::new());
        collect_networks(engine, effect, &|swept| told.borrow_mut().push((swept.what, swept.outcome))).await.unwrap();
        told.into_inner()
    }

    fn told(all: &[(&str, SweepOutcome)]) -> Vec<(String, SweepOutcome)> {
        all.iter().map(|(name, outcome)| (format!("network {name}"), outcome.clone())).collect()
    }

    #[tokio::test]
    async fn a_network_goes_that_is_old_and_has_neither_a_cluster_nor_a_container() {
        let engine = engine().await;
        let before = engine.left();
        let stays = |why: &str| SweepOutcome::Stays(why.to_owned());
        let young = stays("its cluster may be in the making");
        let others = [
            ("kind-rs-new", young.clone()),
            ("kind-rs-shared", stays("container database is attached to it")),
            ("kind-rs-undated", young),
        ];
        let goes = ("kind-rs-gone", SweepOutcome::Goes(WHY));
        let looked = [std::slice::from_ref(&goes), &others[..]].concat();
        assert_eq!(collect(&engine, Effect::Tell).await, told(&looked));
        assert_eq!(engine.left(), before);

        let removed = [&[goes, ("kind-rs-gone", SweepOutcome::Gone(WHY))], &others[..]].concat();
        assert_eq!(collect(&engine, Effect::Remove).await, told(&removed));
        let expected: Vec<String> = before.into_iter().filter(|name| name != "kind-rs-gone").collect();
        assert_eq!(engine.left(), expected);
        assert_eq!(collect(&engine, Effect::Remove).await, told(&others));
    }

    #[tokio::test]
    async fn what_the_engine_refuses_is_told() {
        let engine = engine().await;
        engine.when("remove network kind-rs-gone", Outcome::Refuse("busy".to_owned()));
        let told = collect(&engine, Effect::Remove).await;
        assert!(matches!(&told[1].1, SweepOutcome::Failed(error) if error.contains("busy")), "{told:?}");
    }
}
