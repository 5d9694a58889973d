//! State folders made by hand, and an engine in memory that has their clusters and those of others.

use std::{path::Path, sync::Arc, time::Duration};

use kind_core::{process::ProcessId, scope::Scope, settings::Settings};
use kind_engine::{ContainerSpec, Engine, FakeEngine, Labels};

use super::{machine::record, stage::order};
use crate::{
    folder::Home,
    key::Key,
    order::Order,
    real::RealProvisioner,
    state::{Report, State},
};

/// A state folder and an engine with two clusters of it, one of another and one of the command line.
pub(crate) struct Fixture {
    pub(crate) root: tempfile::TempDir,
    pub(crate) home: Home,
    pub(crate) engine: Arc<FakeEngine>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let home = Home::open(root.path()).unwrap();
        let fixture = Self { root, home, engine: Arc::new(FakeEngine::default()) };
        fixture.container("kind", &[("io.kind-rs.managed", "1")]).await;
        fixture.container("alien", &[]).await;
        let elsewhere = [("io.kind-rs.managed", "1"), ("io.kind-rs.scope", "ffffffffff"), ("io.kind-rs.state", "x#/y")];
        fixture.container("kt-ffffffffff", &elsewhere).await;
        fixture
    }

    pub(crate) async fn container(&self, cluster: &str, labels: &[(&str, &str)]) {
        let labels = labels.iter().copied().chain([("io.x-k8s.kind.cluster", cluster)]);
        let labels: Labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let spec = ContainerSpec { name: format!("{cluster}-control-plane"), labels, ..ContainerSpec::default() };
        self.engine.run_container(&spec).await.unwrap();
    }

    /// A cluster of this state folder, known to the engine.
    pub(crate) async fn cluster(&self, key: &Key) {
        let provisioner = RealProvisioner::new(&self.home, None);
        let labels = provisioner.labels.clone().into_iter().chain([("io.kind-rs.scope".to_owned(), key.to_string())]);
        let labels: Vec<(String, String)> = labels.collect();
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.container(key.cluster().as_str(), &labels).await;
    }

    /// A cluster with a folder, in this state.
    pub(crate) async fn known(&self, scope: &str, owner: Option<ProcessId>, state: Option<State>) -> Order {
        let order = order(&self.home, Scope { name: scope.to_owned(), owner }, Duration::from_secs(1800));
        let folder = self.home.folder(&order.key);
        folder.create().unwrap();
        folder.users().unwrap();
        folder.write_order(&order).unwrap();
        if let Some(state) = state {
            folder.write_report(&Report::now(1, 0, state)).unwrap();
        }
        self.cluster(&order.key).await;
        order
    }

    pub(crate) fn is_there(&self, key: &Key) -> bool {
        let container = format!("{}-control-plane", key.cluster());
        self.home.folder(key).exists() || self.engine.left().contains(&container)
    }

    pub(crate) fn assert_others_stay(&self) {
        for name in ["kind-control-plane", "alien-control-plane", "kt-ffffffffff-control-plane"] {
            assert!(self.engine.left().contains(&name.to_owned()), "{name} is gone");
        }
    }
}

pub(crate) fn settings(state_dir: &Path) -> Settings {
    let mut settings = Settings::from_environment().unwrap();
    settings.state_dir = Some(state_dir.to_owned());
    settings
}

/// A process that ended.
pub(crate) fn dead() -> ProcessId {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let process = ProcessId::of(child.id()).unwrap();
    child.wait().unwrap();
    process
}

pub(crate) fn kept(order: &Order) -> State {
    State::Kept { record: Box::new(record(&order.key.cluster())) }
}
