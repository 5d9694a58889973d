//! Lists of state folders made by hand, with an engine in memory and without one.

use std::collections::BTreeSet;

use kind_core::{access::Access, inventory::Maker, process::ProcessId};
use kind_engine::{Engine, EngineError, FakeEngine, Outcome};
use serde_json::Value;

use super::*;
use crate::{
    marks::Held,
    order::Order,
    state::{Report, State},
    tests::{Fixture, dead, kept, settings},
};

async fn list(fixture: &Fixture) -> Overview {
    overview(&settings(fixture.root.path()), Ok(&*fixture.engine)).await.unwrap()
}

fn of<'a>(overview: &'a Overview, order: &Order) -> &'a ClusterView {
    named(overview, order.key.cluster().as_str())
}

fn named<'a>(overview: &'a Overview, name: &str) -> &'a ClusterView {
    overview.clusters.iter().find(|cluster| cluster.name == name).unwrap_or_else(|| panic!("{name} is not listed"))
}

fn ready(order: &Order) -> State {
    State::Ready { record: Box::new(crate::tests::record(&order.key.cluster())) }
}

#[tokio::test]
async fn a_cluster_of_a_run_shows_who_holds_it_and_goes_with_the_run() {
    let fixture = Fixture::new().await;
    let order = fixture.known("nextest 1", Some(ProcessId::current()), None).await;
    let folder = fixture.home.folder(&order.key);
    folder.write_report(&Report::now(1, 0, ready(&order))).unwrap();
    let keeper = folder.keeper().unwrap();
    assert!(keeper.try_exclusive().unwrap());
    let held = Held::note(&folder, "a::b", Access::Exclusive).unwrap();
    let listed = list(&fixture).await;
    let cluster = of(&listed, &order);
    assert_eq!((cluster.maker, cluster.state, cluster.keeper), (Maker::Tests, ClusterState::Ready, Some(true)));
    assert_eq!(cluster.scope.as_deref(), Some("nextest 1"));
    let [holder] = &cluster.holders[..] else { panic!("{:?}", cluster.holders) };
    assert_eq!((holder.test.as_str(), holder.access, holder.pid), ("a::b", Access::Exclusive, std::process::id()));
    assert_eq!(cluster.removal, Removal::RunEnds);
    assert_eq!(cluster.containers.len(), 1);
    held.done().unwrap();
    drop(keeper);
    let listed = list(&fixture).await;
    let cluster = of(&listed, &order);
    assert_eq!((&cluster.holders[..], cluster.keeper), (&[][..], Some(false)));
    assert_eq!(cluster.removal, Removal::RunEnds, "its run may come back for it");
}

#[tokio::test]
async fn a_reusable_cluster_counts_down_while_nobody_uses_it() {
    let fixture = Fixture::new().await;
    let order = fixture.known("user", None, None).await;
    let folder = fixture.home.folder(&order.key);
    folder.write_report(&Report::now(1, 0, ready(&order))).unwrap();
    let keeper = folder.keeper().unwrap();
    assert!(keeper.try_exclusive().unwrap());
    let held = Held::note(&folder, "a", Access::Shared).unwrap();
    assert_eq!(of(&list(&fixture).await, &order).removal, Removal::Unused { limit: 1800, in_seconds: None });
    held.done().unwrap();
    let Removal::Unused { in_seconds: Some(left), .. } = of(&list(&fixture).await, &order).removal else { panic!() };
    assert!((1790..=1800).contains(&left), "{left}");
    folder.users().unwrap().disuse().unwrap();
    let asked_to_go = Removal::Unused { limit: 1800, in_seconds: Some(0) };
    assert_eq!(of(&list(&fixture).await, &order).removal, asked_to_go);
    drop(keeper);
    assert_eq!(of(&list(&fixture).await, &order).removal, Removal::NextSweep);
}

#[tokio::test]
async fn states_and_ends_of_clusters_without_a_keeper() {
    let fixture = Fixture::new().await;
    let creating = || State::Creating { step: "step `join the nodes`".to_owned() };
    let cut_off = fixture.known("1", Some(dead()), Some(creating())).await;
    let deleting = fixture.known("2", Some(dead()), Some(State::Deleting)).await;
    let error = State::Failed { error: "no disk".to_owned(), no_engine: None };
    let failed = fixture.known("3", Some(dead()), Some(error)).await;
    let left = fixture.known("4", Some(dead()), None).await;
    let folder = fixture.home.folder(&left.key);
    folder.write_report(&Report::now(1, 0, kept(&left))).unwrap();
    Held::note(&folder, "broke", Access::Shared).unwrap().failed().unwrap();
    let corrupt = fixture.known("5", Some(dead()), None).await;
    std::fs::write(fixture.home.folder(&corrupt.key).path().join("state.json"), "{").unwrap();
    let listed = list(&fixture).await;
    let shown = |order| {
        let cluster = of(&listed, order);
        (cluster.state, cluster.detail.as_deref().unwrap_or_default(), &cluster.removal)
    };
    assert_eq!(shown(&cut_off), (ClusterState::Creating, "step `join the nodes`", &Removal::NextSweep));
    assert_eq!(shown(&deleting), (ClusterState::Deleting, "", &Removal::NextSweep));
    let (state, detail, removal) = shown(&failed);
    assert_eq!((state, detail), (ClusterState::Failed, "no disk"));
    assert!(matches!(removal, Removal::Kept { in_seconds: 1790..=1800 }), "{removal:?}");
    let (state, _, removal) = shown(&left);
    assert!(matches!(removal, Removal::Kept { in_seconds: 1790..=1800 }), "{removal:?}");
    assert_eq!((state, &of(&listed, &left).failed_tests[..]), (ClusterState::Kept, &["broke".to_owned()][..]));
    let (state, detail, removal) = shown(&corrupt);
    assert_eq!((state, removal), (ClusterState::Unknown, &Removal::NextSweep));
    assert!(detail.starts_with("it is corrupt"), "{detail}");
}

#[tokio::test]
async fn clusters_of_others_are_listed_with_what_the_engine_knows() {
    let fixture = Fixture::new().await;
    let leftover = crate::key::Key::parse("0123456789").unwrap();
    fixture.cluster(&leftover).await;
    let listed = list(&fixture).await;
    let shown = |name| {
        let cluster = named(&listed, name);
        (cluster.maker, cluster.state, cluster.keeper, cluster.removal.clone())
    };
    assert_eq!(shown("kind"), (Maker::CommandLine, ClusterState::Running, None, Removal::Never));
    assert_eq!(shown("alien"), (Maker::Stranger, ClusterState::Running, None, Removal::Never));
    let elsewhere = Removal::Elsewhere { state_dir: Some("/y".into()) };
    assert_eq!(shown("kt-ffffffffff"), (Maker::Tests, ClusterState::Running, None, elsewhere));
    assert_eq!(shown("kt-0123456789"), (Maker::Tests, ClusterState::Running, None, Removal::NextSweep));
}

#[tokio::test]
async fn memory_is_summed_up_or_the_reason_told() {
    let fixture = Fixture::new().await;
    let listed = list(&fixture).await;
    let kind = named(&listed, "kind");
    assert_eq!((kind.memory, kind.memory_unknown.as_deref()), (None, Some("the engine does not count memory")));
    fixture.engine.when("memory kind-control-plane", Outcome::Print("4096".to_owned()));
    fixture.engine.when("memory alien-control-plane", Outcome::Refuse("busy".to_owned()));
    let listed = list(&fixture).await;
    let kind = named(&listed, "kind");
    assert_eq!((kind.memory, &kind.memory_unknown, kind.containers[0].memory), (Some(4096), &None, Some(4096)));
    let alien = named(&listed, "alien");
    assert!(alien.memory.is_none() && alien.memory_unknown.as_ref().unwrap().contains("busy"), "{alien:?}");
}

#[tokio::test]
async fn without_an_engine_the_state_folder_is_listed_and_the_reason_told() {
    let fixture = Fixture::new().await;
    let order = fixture.known("nextest 1", Some(ProcessId::current()), None).await;
    let error = EngineError::Forbidden { address: "unix:///x".to_owned() };
    let settings = settings(fixture.root.path());
    let listed = overview(&settings, Err(&error)).await.unwrap();
    assert!(listed.engine_error.as_ref().unwrap().contains("unix:///x"));
    let [cluster] = &listed.clusters[..] else { panic!("{:?}", listed.clusters) };
    assert_eq!(cluster.name, order.key.cluster().as_str());
    assert!(cluster.containers.is_empty() && cluster.memory_unknown.is_some());
    fixture.engine.when("containers", Outcome::Refuse("starting".to_owned()));
    let engine: &dyn Engine = &*fixture.engine;
    let listed = overview(&settings, Ok(engine)).await.unwrap();
    assert!(listed.engine_error.as_ref().unwrap().contains("starting") && listed.clusters.len() == 1);
}

#[tokio::test]
async fn looking_makes_no_state_folder() {
    let root = tempfile::tempdir().unwrap();
    let engine: &dyn Engine = &FakeEngine::default();
    let listed = overview(&settings(&root.path().join("absent")), Ok(engine)).await.unwrap();
    assert!(listed.clusters.is_empty() && listed.engine_error.is_none());
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

/// Every field and every word of the JSON form is in the document that describes it.
#[tokio::test]
async fn the_json_form_is_described() {
    let document = include_str!("../../../docs/command-line.md");
    let fixture = Fixture::new().await;
    let order = fixture.known("user", None, None).await;
    let folder = fixture.home.folder(&order.key);
    Held::note(&folder, "a", Access::Read).unwrap();
    let listed = serde_json::to_value(list(&fixture).await).unwrap();
    let mut words = BTreeSet::new();
    fields(&listed, &mut words);
    assert!(words.len() >= 24, "{words:?}");
    for state in [
        ClusterState::Creating,
        ClusterState::Ready,
        ClusterState::Failed,
        ClusterState::Deleting,
        ClusterState::Kept,
        ClusterState::Running,
        ClusterState::PartlyRunning,
        ClusterState::Paused,
        ClusterState::Stopped,
        ClusterState::Unknown,
    ] {
        words.insert(serde_json::to_value(state).unwrap().as_str().unwrap().to_owned());
    }
    for removal in [
        Removal::Never,
        Removal::RunEnds,
        Removal::Unused { limit: 1, in_seconds: None },
        Removal::Kept { in_seconds: 1 },
        Removal::NextSweep,
        Removal::Now,
        Removal::Elsewhere { state_dir: None },
    ] {
        let value = serde_json::to_value(removal).unwrap();
        words.insert(value["when"].as_str().unwrap().to_owned());
        fields(&value, &mut words);
    }
    for maker in [Maker::Tests, Maker::CommandLine, Maker::Stranger] {
        words.insert(serde_json::to_value(maker).unwrap().as_str().unwrap().to_owned());
    }
    let missing: Vec<&String> = words.iter().filter(|word| !document.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "docs/command-line.md does not mention {missing:?}");
}

fn fields(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(name, value)| {
            found.insert(name.clone());
            fields(value, found);
        }),
        Value::Array(values) => values.iter().for_each(|value| fields(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn times_are_written_for_programs() {
    let fixture = Fixture::new().await;
    let order = fixture.known("user", None, None).await;
    let folder = fixture.home.folder(&order.key);
    folder.write_report(&Report { since: 1_764_028_204, ..Report::now(1, 0, State::Deleting) }).unwrap();
    let listed = serde_json::to_value(list(&fixture).await).unwrap();
    let clusters = listed["clusters"].as_array().unwrap();
    let cluster = clusters.iter().find(|one| one["name"] == order.key.cluster().as_str()).unwrap();
    assert_eq!(cluster["since"], "2025-11-24T23:50:04Z");
    assert_eq!(cluster["removal"]["when"], "next-sweep");
}
