//! What a removal takes, what it leaves, and what it says, on a fake engine.

use kind_engine::{ContainerSpec, FakeEngine, Mount, MountKind, NetworkSpec, Outcome};

use super::*;
use crate::spec::LABEL_CONTAINER;

fn name(name: &str) -> ClusterName {
    ClusterName::new(name).unwrap()
}

async fn network(engine: &FakeEngine, name: &str, labels: Labels) -> String {
    engine.create_network(&NetworkSpec { name: name.to_owned(), labels, ..NetworkSpec::default() }).await.unwrap()
}

async fn container(engine: &FakeEngine, name: &str, network: &str, labels: Labels) {
    let (name, network) = (name.to_owned(), network.to_owned());
    engine.run_container(&ContainerSpec { name, network, labels, ..ContainerSpec::default() }).await.unwrap();
}

/// A cluster `a` of the real kind, one `b` of its, one `c` of ours from before there were instances, and what belongs
/// to nobody known.
async fn engine() -> FakeEngine {
    let engine = FakeEngine::default();
    let of_kind = |name: &str| [(LABEL_CLUSTER.to_owned(), name.to_owned())].into();
    let ours = cluster_labels(&name("c"));
    for (name, labels) in [("kind", [].into()), ("kind-rs-a", [].into()), ("kind-rs-c", ours.clone())] {
        network(&engine, name, labels).await;
    }
    let labelled = [
        ("a-control-plane", of_kind("a")),
        ("a-worker", of_kind("a")),
        ("b-control-plane", of_kind("b")),
        ("c-control-plane", ours),
        // Named as a node, but without a label.
        ("a-worker2", [].into()),
        // Of an image of a node.
        ("debug", of_kind("a")),
    ];
    for (name, labels) in labelled {
        container(&engine, name, "", labels).await;
    }
    engine
}

/// A cluster of ours in a network of its own.
async fn ours(engine: &FakeEngine, cluster: &str, instance: &Instance) -> String {
    let mut labels = cluster_labels(&name(cluster));
    labels.extend(instance_labels(instance));
    let id = network(engine, &format!("kind-rs-{cluster}"), labels.clone()).await;
    let node = format!("{cluster}-control-plane");
    labels.insert(LABEL_CONTAINER.to_owned(), node.clone());
    let mounts = vec![Mount { target: "/var".to_owned(), kind: MountKind::AnonymousVolume }];
    let spec = ContainerSpec { name: node, network: id.clone(), labels, mounts, ..ContainerSpec::default() };
    engine.run_container(&spec).await.unwrap();
    id
}

#[tokio::test]
async fn a_cluster_of_kind_goes_when_it_is_named_and_takes_nothing_else_along() {
    let engine = engine().await;
    let before = engine.left();
    let removed = destroy_named(&engine, &name("a")).await.unwrap().names;
    assert_eq!(removed, ["a-control-plane", "a-worker"]);
    let expected: Vec<String> = before.into_iter().filter(|name| !removed.contains(name)).collect();
    assert_eq!(engine.left(), expected);
    assert!(destroy_named(&engine, &name("a")).await.unwrap().is_empty());
}

#[tokio::test]
async fn one_from_before_there_were_instances_goes_with_its_network() {
    let removed = destroy_named(&engine().await, &name("c")).await.unwrap();
    assert_eq!(removed.names, ["c-control-plane", "kind-rs-c"]);
}

#[tokio::test(start_paused = true)]
async fn all_that_has_the_name_goes_whoever_made_it_and_copies_stay() {
    let engine = FakeEngine::default();
    let (one, other) = (Instance::new(), Instance::new());
    ours(&engine, "a", &one).await;
    let mut labels = cluster_labels(&name("a"));
    labels.extend(instance_labels(&other));
    network(&engine, "kind-rs-a", labels.clone()).await;
    labels.insert(LABEL_CONTAINER.to_owned(), "a-control-plane".to_owned());
    container(&engine, "debug", "", labels).await;
    let mut removed = destroy_named(&engine, &name("a")).await.unwrap().names;
    removed.sort();
    assert_eq!(removed, ["a-control-plane", "kind-rs-a", "kind-rs-a"]);
    assert_eq!(engine.left(), ["debug"]);
}

#[tokio::test]
async fn one_creation_goes_and_a_later_one_of_the_same_name_stays() {
    let engine = FakeEngine::default();
    let (gone, stays) = (Instance::new(), Instance::new());
    ours(&engine, "a", &gone).await;
    engine.lose("a-control-plane");
    let mut labels = cluster_labels(&name("a"));
    labels.extend(instance_labels(&stays));
    container(&engine, "a-control-plane", "", labels).await;
    let removed = destroy(&engine, &name("a"), &instance_labels(&gone)).await.unwrap();
    assert_eq!(removed.names, ["kind-rs-a", "a-control-plane:/var"], "a volume that was left behind goes, too");
    assert_eq!(engine.left(), ["a-control-plane"]);
}

#[tokio::test(start_paused = true)]
async fn a_guest_in_the_network_is_taken_out_of_it_and_named() {
    let engine = FakeEngine::default();
    let network = ours(&engine, "a", &Instance::new()).await;
    container(&engine, "guest", &network, Labels::new()).await;
    let removed = destroy_named(&engine, &name("a")).await.unwrap();
    assert_eq!(removed.disconnected, ["guest from kind-rs-a"]);
    assert_eq!(engine.left(), ["guest"]);
}

#[tokio::test(start_paused = true)]
async fn a_volume_of_a_node_that_another_process_is_removing_is_waited_for() {
    let engine = FakeEngine::default();
    ours(&engine, "a", &Instance::new()).await;
    container(&engine, "clock", "", Labels::new()).await;
    // The engine takes the node out of its network first, and lets go of its volumes last.
    engine.when("remove a-control-plane", Outcome::Elsewhere);
    engine.when("start clock", Outcome::After(Duration::from_millis(450)));
    let network = engine.networks(&Labels::new()).await.unwrap().pop().unwrap();
    engine.disconnect(&network.id, "a-control-plane").await.unwrap();
    let other = async {
        engine.start_container("clock").await.unwrap();
        engine.lose("a-control-plane");
    };
    let (removed, ()) = futures::future::join(destroy_named(&engine, &name("a")), other).await;
    assert!(removed.unwrap().kept.is_empty());
    assert_eq!(engine.left(), ["clock"]);
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_a_container_of_another_uses_stays_and_is_named() {
    let engine = FakeEngine::default();
    ours(&engine, "a", &Instance::new()).await;
    container(&engine, "guest", "", Labels::new()).await;
    engine.share_volumes("a-control-plane", "guest");
    let removed = destroy_named(&engine, &name("a")).await.unwrap();
    assert_eq!(removed.kept, ["a-control-plane:/var for guest".to_owned()].into());
    assert_eq!(engine.left(), ["guest", "a-control-plane:/var"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_creation_had_asked_for_goes_when_it_comes() {
    let engine = FakeEngine::default();
    let instance = Instance::new();
    let network = ours(&engine, "a", &instance).await;
    let mut labels = cluster_labels(&name("a"));
    labels.extend(instance_labels(&instance));
    labels.insert(LABEL_CONTAINER.to_owned(), "a-worker".to_owned());
    engine.when("run a-worker", Outcome::After(Duration::from_millis(450)));
    let late = ContainerSpec { name: "a-worker".to_owned(), labels, network, ..ContainerSpec::default() };
    let (removed, made) = futures::future::join(destroy_named(&engine, &name("a")), engine.run_container(&late)).await;
    // Its network went before, or it went with it.
    removed.unwrap();
    drop(made);
    assert_eq!(engine.left(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_network_that_cannot_be_removed_is_told() {
    let engine = FakeEngine::default();
    ours(&engine, "a", &Instance::new()).await;
    engine.when("remove network", Outcome::Refuse("busy".to_owned()));
    let error = destroy_named(&engine, &name("a")).await.unwrap_err();
    assert!(matches!(&error, DestroyError::Engine { source, .. } if source.to_string().contains("busy")), "{error}");
}
