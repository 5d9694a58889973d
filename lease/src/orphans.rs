//! Networks and volumes whose cluster is gone: who removes a cluster by its containers, as the real kind does, leaves its
//! network, and who removes a container without its volumes leaves those.
//!
//! Only where a person asks for it; no keeper and no other command does this by itself.

use std::time::Duration;

use kind_core::{
    inventory::is_member,
    provision::made_within,
    spec::{LABEL_CLUSTER, LABEL_MANAGED, LABEL_SCOPE},
};
use kind_engine::{ContainerFacts, Engine, EngineError, Labels};

use super::{
    error::chain,
    keeper::{Effect, SweepOutcome, Swept},
};

/// For how long a network or volume may be without containers because its cluster is being made. The step "start the
/// containers" has a limit of two minutes.
const IN_THE_MAKING: Duration = Duration::from_secs(600);

const WHY: &str = "its cluster has no container any more";

/// A network or a volume.
enum Orphan {
    Network { id: String, name: String, created: String },
    Volume { name: String, created: String },
}

/// Removes the networks and volumes of clusters that the command line made and that have no container; tells of each what
/// becomes of it. What tests made is left to their sweeps.
///
/// # Errors
/// When the engine does not answer. What could not be removed is told and no error here.
pub async fn collect_orphans(engine: &dyn Engine, effect: Effect, tell: &dyn Fn(Swept)) -> Result<(), EngineError> {
    // These first: the containers of one that is listed are there at the second look, or it is young.
    let ours = Labels::from([(LABEL_MANAGED.to_owned(), String::new())]);
    let (networks, volumes) = (engine.networks(&ours).await?, engine.volumes(&ours).await?);
    let containers = engine.containers(&Labels::new()).await?;
    let networks = networks.into_iter().filter(|network| is_orphan(&network.labels, &containers));
    let volumes = volumes.into_iter().filter(|volume| is_orphan(&volume.labels, &containers));
    let networks = networks.map(|one| Orphan::Network { id: one.id, name: one.name, created: one.created });
    let volumes = volumes.map(|one| Orphan::Volume { name: one.name, created: one.created });
    let mut orphans: Vec<Orphan> = networks.chain(volumes).collect();
    if orphans.is_empty() {
        return Ok(());
    }
    orphans.sort_by_key(Orphan::words);
    let now = engine.facts().await?.time;
    for orphan in orphans {
        let tell = |outcome| tell(Swept { what: orphan.words(), outcome });
        if let Some(user) = containers.iter().find(|container| orphan.is_used_by(container)) {
            tell(SweepOutcome::Stays(format!("container {} is attached to it", user.name)));
        } else if made_within(IN_THE_MAKING, orphan.created(), &now) {
            tell(SweepOutcome::Stays("its cluster may be in the making".to_owned()));
        } else {
            tell(SweepOutcome::Goes(WHY));
            if effect == Effect::Remove {
                let removed = orphan.remove(engine).await;
                tell(removed.map_or_else(|error| SweepOutcome::Failed(chain(&error)), |()| SweepOutcome::Gone(WHY)));
            }
        }
    }
    Ok(())
}

/// Whether the command line made it, and no container of its cluster is there, whoever made that.
fn is_orphan(labels: &Labels, containers: &[ContainerFacts]) -> bool {
    let Some(cluster) = labels.get(LABEL_CLUSTER) else { return false };
    let is_of_it =
        |container: &ContainerFacts| container.labels.get(LABEL_CLUSTER) == Some(cluster) && is_member(container);
    !labels.contains_key(LABEL_SCOPE) && !containers.iter().any(is_of_it)
}

impl Orphan {
    fn words(&self) -> String {
        match self {
            Self::Network { name, .. } => format!("network {name}"),
            Self::Volume { name, .. } => format!("volume {name}"),
        }
    }

    fn created(&self) -> &str {
        match self {
            Self::Network { created, .. } | Self::Volume { created, .. } => created,
        }
    }

    fn is_used_by(&self, container: &ContainerFacts) -> bool {
        match self {
            Self::Network { id, .. } => container.is_in(id),
            Self::Volume { name, .. } => container.volumes.contains(name),
        }
    }

    async fn remove(&self, engine: &dyn Engine) -> Result<(), EngineError> {
        match self {
            Self::Network { id, .. } => engine.remove_network(id).await,
            Self::Volume { name, .. } => engine.remove_volume(name).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use kind_engine::{ContainerSpec, FakeEngine, Mount, MountKind, NetworkSpec, Outcome};

    use super::*;

    /// Eleven and nine minutes before the fake engine's time.
    const LONG_AGO: &str = "2026-01-01T11:49:00.5Z";
    const JUST_NOW: &str = "2026-01-01T11:51:00.5Z";

    async fn network(engine: &FakeEngine, name: &str, labels: &[(&str, &str)], created: &str) {
        let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        let spec = NetworkSpec { name: name.to_owned(), labels, ..NetworkSpec::default() };
        engine.create_network(&spec).await.unwrap();
        engine.date(name, created);
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
        // A copy of a node is no container of the cluster.
        container(&engine, "debug", "", Some("gone")).await;
        for (node, created) in [("lost-control-plane", LONG_AGO), ("late-control-plane", JUST_NOW)] {
            let labels = ours(&node[..4]).map(|(label, value)| (label.to_owned(), value.to_owned())).into();
            let mounts = vec![Mount { target: "/var".to_owned(), kind: MountKind::AnonymousVolume }];
            let spec = ContainerSpec { name: node.to_owned(), labels, mounts, ..ContainerSpec::default() };
            engine.run_container(&spec).await.unwrap();
            engine.date(&format!("{node}:/var"), created);
            engine.lose(node);
        }
        engine
    }

    async fn collect(engine: &FakeEngine, effect: Effect) -> Vec<(String, SweepOutcome)> {
        let told = RefCell::new(Vec::new());
        collect_orphans(engine, effect, &|swept| told.borrow_mut().push((swept.what, swept.outcome))).await.unwrap();
        told.into_inner()
    }

    fn told(all: &[(&str, SweepOutcome)]) -> Vec<(String, SweepOutcome)> {
        let what = |name: &str| format!("{} {name}", if name.contains(':') { "volume" } else { "network" });
        all.iter().map(|(name, outcome)| (what(name), outcome.clone())).collect()
    }

    #[tokio::test]
    async fn what_is_old_and_has_neither_a_cluster_nor_a_container_goes() {
        let engine = engine().await;
        let before = engine.left();
        let stays = |why: &str| SweepOutcome::Stays(why.to_owned());
        let young = stays("its cluster may be in the making");
        let others = [
            ("kind-rs-new", young.clone()),
            ("kind-rs-shared", stays("container database is attached to it")),
            ("kind-rs-undated", young.clone()),
            ("late-control-plane:/var", young),
        ];
        let goes = ["kind-rs-gone", "lost-control-plane:/var"].map(|name| (name, SweepOutcome::Goes(WHY)));
        let looked = [&goes[..1], &others[..], &goes[1..]].concat();
        assert_eq!(collect(&engine, Effect::Tell).await, told(&looked));
        assert_eq!(engine.left(), before);

        let gone = goes.clone().map(|(name, _)| (name, SweepOutcome::Gone(WHY)));
        let removed = [&goes[..1], &gone[..1], &others[..], &goes[1..], &gone[1..]].concat();
        assert_eq!(collect(&engine, Effect::Remove).await, told(&removed));
        let expected: Vec<String> =
            before.into_iter().filter(|name| !goes.iter().any(|(gone, _)| gone == name)).collect();
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
