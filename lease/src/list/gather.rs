//! Collecting the list: the state folder, then the engine's containers and their memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use futures::future::join_all;
use kind_core::{
    inventory::{self, Maker},
    settings::Settings,
    spec::{LABEL_CLUSTER, LABEL_OWNER, LABEL_ROLE, LABEL_STATE},
};
use kind_engine::{ContainerFacts, Engine, EngineError};

use super::{
    ClusterState, ClusterView, ContainerView, HolderView, Overview, Removal,
    removal::{Known, removal},
};
use crate::{
    LeaseError,
    error::chain,
    folder::{Folder, Home},
    marks::HolderMark,
    state::{Found, State},
};

/// What the engine knows of each cluster.
type Containers = BTreeMap<String, Vec<(ContainerFacts, Memory)>>;
/// The memory of a container, or why it is not known.
type Memory = Result<Option<u64>, String>;

/// Every cluster that the state folder or the engine knows. An engine that does not answer leaves out what only it
/// knows, and the list says so.
///
/// # Errors
/// When the state folder cannot be read.
pub async fn overview(settings: &Settings, engine: Result<&dyn Engine, &EngineError>) -> Result<Overview, LeaseError> {
    let home = Home::of(settings)?;
    let asked = match engine {
        Ok(engine) => containers(engine).await.map_err(|error| chain(&error)),
        Err(error) => Err(chain(error)),
    };
    let (mut on_engine, engine_error) = match asked {
        Ok(found) => (Some(found), None),
        Err(error) => (None, Some(error)),
    };
    let mut clusters = Vec::new();
    for folder in folders(home.as_ref())? {
        let there = on_engine.as_mut().map(|found| found.remove(folder.key().cluster().as_str()).unwrap_or_default());
        clusters.extend(with_folder(&folder, there));
    }
    let identity = home.as_ref().map(Home::identity);
    let others = on_engine.into_iter().flatten();
    clusters.extend(others.map(|(name, containers)| without_folder(name, containers, identity.as_deref())));
    clusters.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Overview { engine_error, clusters })
}

fn folders(home: Option<&Home>) -> Result<Vec<Folder>, LeaseError> {
    let Some(home) = home else { return Ok(Vec::new()) };
    home.folders().map_err(|source| LeaseError::File {
        action: "list the state folder",
        path: home.path().to_owned(),
        source,
    })
}

/// All containers by cluster, with their memory, asked for at the same time.
async fn containers(engine: &dyn Engine) -> Result<Containers, EngineError> {
    let found = inventory::all_containers(engine).await?;
    let memory = join_all(found.iter().map(async |container| {
        if !container.is_running() {
            return Ok(None);
        }
        match engine.memory(&container.id).await {
            Ok(None) => Err("the engine does not count memory".to_owned()),
            Ok(bytes) => Ok(bytes),
            // It ended meanwhile.
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(chain(&error)),
        }
    }));
    let mut clusters = Containers::new();
    for (container, memory) in found.clone().into_iter().zip(memory.await) {
        let cluster = container.labels.get(LABEL_CLUSTER).cloned().unwrap_or_default();
        clusters.entry(cluster).or_default().push((container, memory));
    }
    Ok(clusters)
}

/// A cluster of this state folder; `None` where its folder goes at this moment. Without containers the engine did not
/// answer.
fn with_folder(folder: &Folder, there: Option<Vec<(ContainerFacts, Memory)>>) -> Option<ClusterView> {
    let holders = folder.live_holders();
    let has_keeper = folder.has_keeper().ok()?;
    let (order, report) = (folder.order().ok()?, folder.report().ok()?);
    let order = match &order {
        Found::This(order) => Some(order),
        Found::Nothing | Found::Unusable(_) => None,
    };
    let (report, unusable) = match &report {
        Found::This(report) => (Some(report), None),
        Found::Unusable(why) => (None, Some(why)),
        Found::Nothing => (None, None),
    };
    let state = report.map(|report| &report.state);
    let (shown, detail) = match state {
        Some(State::Creating { step }) => (ClusterState::Creating, Some(step.clone())),
        Some(State::Ready { .. }) => (ClusterState::Ready, None),
        Some(State::Paused { .. }) => (ClusterState::Paused, None),
        Some(State::Failed { error, .. }) => (ClusterState::Failed, Some(error.clone())),
        Some(State::Deleting) => (ClusterState::Deleting, None),
        Some(State::Kept { .. }) => (ClusterState::Kept, None),
        None if has_keeper || !holders.is_empty() => (ClusterState::Creating, Some("its keeper starts".to_owned())),
        None => (ClusterState::Unknown, Some(unusable.map_or("it has no state", String::as_str).to_owned())),
    };
    let known = Known { folder, order, state, has_keeper, in_use: !holders.is_empty() };
    let removal = removal(&known);
    let scope = order.map(|order| order.scope.clone());
    let failed_tests: BTreeSet<String> = folder.failed_tests().into_iter().collect();
    let view = ClusterView {
        name: folder.key().cluster().to_string(),
        maker: Maker::Tests,
        state: shown,
        detail: detail.filter(|detail| !detail.is_empty()),
        since: report.map(|report| report.since),
        keeper: Some(has_keeper),
        scope,
        user: None,
        holders: holders.into_iter().map(holder).collect(),
        waiting: folder.live_waiting().into_iter().map(holder).collect(),
        failed_tests: failed_tests.into_iter().collect(),
        removal,
        containers: Vec::new(),
        memory: None,
        memory_unknown: Some("the engine does not answer".to_owned()),
        state_dir: Some(folder.path().to_owned()),
    };
    Some(match there {
        Some(containers) => with_containers(view, containers),
        None => view,
    })
}

fn holder(mark: HolderMark) -> HolderView {
    HolderView { pid: mark.process.pid(), test: mark.test, access: mark.access, since: mark.since }
}

/// A cluster that only the engine knows: of the command line, of another tool or state folder, or a leftover.
fn without_folder(name: String, there: Vec<(ContainerFacts, Memory)>, identity: Option<&str>) -> ClusterView {
    let maker = there.iter().map(|(container, _)| Maker::of(container)).min().unwrap_or(Maker::Stranger);
    let state_dir = there.iter().find_map(|(container, _)| container.labels.get(LABEL_STATE));
    let removal = match (maker, state_dir) {
        (Maker::Stranger | Maker::CommandLine, _) => Removal::Never,
        (Maker::Tests, Some(of)) if Some(of.as_str()) == identity => Removal::NextSweep,
        (Maker::Tests, of) => {
            Removal::Elsewhere { state_dir: of.and_then(|identity| Some(PathBuf::from(identity.split_once('#')?.1))) }
        }
    };
    let running = there.iter().filter(|(container, _)| container.is_running()).count();
    let frozen = there.iter().filter(|(container, _)| container.state == "paused").count();
    let (state, detail) = match (running, there.len()) {
        (0, _) => (ClusterState::Stopped, None),
        (running, _) if running == frozen => (ClusterState::Paused, None),
        (running, all) if running == all => (ClusterState::Running, None),
        (running, all) => (ClusterState::PartlyRunning, Some(format!("{running} of {all} containers run"))),
    };
    let created = there.iter().filter_map(|(container, _)| u64::try_from(container.created).ok()).min();
    let view = ClusterView {
        name,
        maker,
        state,
        detail,
        since: created,
        keeper: None,
        scope: None,
        user: None,
        holders: Vec::new(),
        waiting: Vec::new(),
        failed_tests: Vec::new(),
        removal,
        containers: Vec::new(),
        memory: None,
        memory_unknown: None,
        state_dir: None,
    };
    with_containers(view, there)
}

fn with_containers(mut view: ClusterView, there: Vec<(ContainerFacts, Memory)>) -> ClusterView {
    view.user = there.iter().find_map(|(container, _)| container.labels.get(LABEL_OWNER)).cloned();
    (view.memory, view.memory_unknown) = match there.iter().find_map(|(_, memory)| memory.as_ref().err()) {
        Some(why) => (None, Some(why.clone())),
        None if !there.iter().any(|(container, _)| container.is_running()) => {
            (None, Some("none of its containers runs".to_owned()))
        }
        None => (Some(there.iter().filter_map(|(_, memory)| memory.as_ref().ok().copied().flatten()).sum()), None),
    };
    let shown = there.into_iter().map(|(container, memory)| ContainerView {
        role: container.labels.get(LABEL_ROLE).cloned(),
        name: container.name,
        state: container.state,
        memory: memory.unwrap_or_default(),
    });
    view.containers = shown.collect();
    view
}
