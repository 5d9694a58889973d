//! Stopping, starting and freezing clusters of a fake engine.

use kind_engine::{ContainerSpec, FakeEngine, Outcome, PortMapping, Protocol};

use super::*;
use crate::{
    causes::chain,
    fake_api::{Answer, FakeApi},
    spec::{LABEL_CLUSTER, LABEL_CONTAINER},
};

async fn engine() -> FakeEngine {
    let engine = FakeEngine::default();
    for (name, role) in [
        ("a-control-plane", "control-plane"),
        ("a-control-plane2", "control-plane"),
        ("a-external-load-balancer", "external-load-balancer"),
        ("a-registry", "registry"),
        ("a-worker", "worker"),
        // What a snapshot that was killed left: it neither runs with the cluster nor keeps it from running.
        ("kind-rs-snapshot-1-a-worker", ROLE_SNAPSHOT),
    ] {
        let labels = [(LABEL_CLUSTER, "a"), (LABEL_ROLE, role), (LABEL_CONTAINER, name)];
        let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned())).into();
        let spec = ContainerSpec { name: name.to_owned(), labels, ..ContainerSpec::default() };
        engine.run_container(&spec).await.unwrap();
    }
    engine
}

fn calls(engine: &FakeEngine, verbs: &[&str]) -> Vec<String> {
    let is_one = |call: &String| verbs.iter().any(|verb| call.starts_with(&format!("{verb} ")));
    engine.calls().into_iter().filter(is_one).collect()
}

fn name() -> ClusterName {
    ClusterName::new("a").unwrap()
}

#[tokio::test]
async fn workers_stop_first_and_what_others_need_last() {
    let engine = engine().await;
    assert_eq!(stop(&engine, &name()).await.unwrap(), 5);
    let expected = ["a-worker", "a-control-plane", "a-control-plane2", "a-external-load-balancer", "a-registry"];
    assert_eq!(calls(&engine, &["stop"]), expected.map(|name| format!("stop {name}")));
}

#[tokio::test]
async fn everything_is_frozen_and_a_cluster_that_is_not_there_is_an_error() {
    let engine = engine().await;
    assert_eq!(pause(&engine, &name()).await.unwrap(), 5);
    assert_eq!(calls(&engine, &["pause"]).len(), 5);
    let absent = ClusterName::new("b").unwrap();
    for outcome in [pause(&engine, &absent).await, stop(&engine, &absent).await, start(&engine, &absent).await] {
        assert!(matches!(outcome, Err(PowerError::Find(FindError::NoCluster { .. }))), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_frozen_at_once_is_tried_again_and_other_refusals_are_not() {
    for (refusal, tries) in
        [("OCI runtime pause failed: unable to freeze: unknown", 2..1000), ("no such container", 1..2)]
    {
        let engine = engine().await;
        engine.when("pause a-worker", Outcome::Refuse(refusal.to_owned()));
        let error = pause(&engine, &name()).await.unwrap_err();
        assert!(chain(&error).contains(refusal), "{}", chain(&error));
        let tried = calls(&engine, &["pause"]).iter().filter(|call| *call == "pause a-worker").count();
        assert!(tries.contains(&tried), "{refusal}: {tried}");
    }
}

#[tokio::test]
async fn a_cluster_that_is_there_is_only_taken_where_it_is_well() {
    let limit = Duration::from_millis(10);
    let engine: Arc<dyn Engine> = Arc::new(engine().await);
    // Its containers run, and nothing is published or answers.
    let outcome = well(&engine, &name(), limit, limit, |_| {}).await;
    assert!(matches!(outcome, Err(PowerError::Export(_))), "{outcome:?}");
    let absent = well(&engine, &ClusterName::new("b").unwrap(), limit, limit, |_| {}).await;
    assert!(matches!(absent, Err(PowerError::Find(_))), "{absent:?}");
}

#[tokio::test]
async fn where_the_published_address_leads_nowhere_the_engine_is_the_way() {
    let engine = FakeEngine::default();
    let labels = [(LABEL_CLUSTER, "a"), (LABEL_ROLE, "control-plane")];
    // Nobody listens on the port any more.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let spec = ContainerSpec {
        name: "a-control-plane".to_owned(),
        labels: labels.map(|(label, value)| (label.to_owned(), value.to_owned())).into(),
        ports: vec![PortMapping {
            container_port: 6443,
            host_port: Some(port),
            listen_address: std::net::Ipv4Addr::LOCALHOST.into(),
            protocol: Protocol::Tcp,
        }],
        ..ContainerSpec::default()
    };
    engine.run_container(&spec).await.unwrap();
    engine.when("cat /etc/kubernetes/admin.conf", Outcome::Print(crate::fake_api::record().kubeconfig));
    engine.when("date", Outcome::Print("1700000000".to_owned()));
    // So that the connection ends at once.
    engine.when("socat -V", Outcome::Exit(127, String::new()));
    let fake = Arc::new(engine);
    let engine: Arc<dyn Engine> = fake.clone();
    let outcome = well(&engine, &name(), Duration::ZERO, Duration::from_secs(1), |_| {}).await;
    assert!(matches!(outcome, Err(PowerError::Wait(_))), "{outcome:?}");
    assert!(fake.calls().contains(&"exec a-control-plane socat -V".to_owned()), "{:?}", fake.calls());
}

#[test]
fn what_starts_first_is_what_others_need() {
    let container = |name: &str, role: &str| ContainerFacts {
        name: name.to_owned(),
        labels: [(LABEL_ROLE.to_owned(), role.to_owned())].into(),
        ..ContainerFacts::default()
    };
    let all = [
        container("w", "worker"),
        container("c", "control-plane"),
        container("l", "external-load-balancer"),
        container("r", "registry"),
    ];
    let order = in_order(&all).map(|group| group.iter().map(|one| one.name.as_str()).collect::<Vec<_>>());
    assert_eq!(order, [vec!["l", "r"], vec!["c"], vec!["w"]]);
}

#[test]
fn a_node_without_a_pod_network_is_of_use() {
    let node = |status: &str, message: &str| -> Node {
        let condition = serde_json::json!({"type": "Ready", "status": status, "message": message});
        serde_json::from_value(serde_json::json!({"metadata": {}, "status": {"conditions": [condition]}})).unwrap()
    };
    assert_eq!(unready(&node("True", "")), None);
    assert_eq!(unready(&node("False", "container runtime network not ready: cni plugin not initialized")), None);
    assert_eq!(unready(&node("Unknown", "stopped posting")).as_deref(), Some("stopped posting"));
    assert_eq!(unready(&Node::default()).as_deref(), Some("no status yet"));
}

/// A lease that somebody renews before every look.
fn renewed(name: &str, look: usize) -> serde_json::Value {
    serde_json::json!({
        "metadata": { "name": name },
        "spec": { "holderIdentity": "a-control-plane2_0123", "renewTime": format!("2026-01-01T12:00:{:02}.000000Z", look % 60) },
    })
}

#[tokio::test]
async fn controllers_stop_before_the_nodes_are_frozen_and_who_led_goes_on_first() {
    let engine = engine().await;
    pause(&engine, &name()).await.unwrap();
    let calls_of = |verbs: &[&str]| calls(&engine, verbs);
    let stopped = ["a-control-plane", "a-control-plane2"]
        .map(|node| format!("exec {node} pkill -STOP -x kube-controller|kube-scheduler"));
    let calls = calls_of(&["exec", "pause"]);
    assert_eq!(calls[..2], stopped, "{calls:?}");
    assert!(calls[2..].iter().all(|call| call.starts_with("pause ")), "{calls:?}");
    let looks = std::sync::atomic::AtomicUsize::new(0);
    let client = FakeApi::default().client(move |_, path, _| {
        let look = looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = path.split('?').next().unwrap_or_default();
        match path.rsplit_once("/leases/") {
            Some((_, lease)) => Answer::ok(renewed(lease, look)),
            _ => Answer::no_items(),
        }
    });
    go_on(&engine, &name(), &client).await.unwrap();
    let went_on: Vec<String> = calls_of(&["exec"]).split_off(2);
    let (mut leaders, others) = (went_on[..2].to_vec(), &went_on[2..]);
    leaders.sort();
    let expected =
        ["kube-controller", "kube-scheduler"].map(|one| format!("exec a-control-plane2 pkill -CONT -x {one}"));
    assert_eq!(leaders, expected);
    assert_eq!(others, stopped.map(|call| call.replace("STOP", "CONT")));
}

/// Nodes, of which the worker's kubelet says what it has not heard of from the `from`th look on.
fn nodes(look: usize, from: usize) -> serde_json::Value {
    let node = |name: &str, message: &str| {
        let condition = serde_json::json!({"type": "Ready", "status": "False", "message": message});
        serde_json::json!({"metadata": {"name": name}, "status": {"conditions": [condition]}})
    };
    let said = if look < from { "cni plugin not initialized" } else { "container runtime is down" };
    serde_json::json!([
        node("a-worker", said),
        node("a-control-plane", "cni plugin not initialized"),
        node("kwok-0", said)
    ])
}

#[rstest::rstest]
#[case::which_it_says_at_once_and_nobody_leads(0, false)]
#[case::which_it_says_while_the_leaders_are_waited_for(2, true)]
#[tokio::test]
async fn a_node_that_took_the_pause_for_a_failure_gets_its_kubelet_started_anew_once(
    #[case] from: usize,
    #[case] somebody_leads: bool,
) {
    let engine = engine().await;
    let looks = std::sync::atomic::AtomicUsize::new(0);
    let (looks, seen) = (Arc::new(looks), from + 2);
    let count = Arc::clone(&looks);
    let client = FakeApi::default().client(move |_, path, _| {
        let look = || count.load(std::sync::atomic::Ordering::Relaxed);
        let path = path.split('?').next().unwrap_or_default();
        match path.rsplit_once("/leases/") {
            // Renewed when the kubelet has long said so.
            Some((_, lease)) if somebody_leads => Answer::ok(renewed(lease, look().saturating_sub(seen))),
            Some(_) => Answer::refused(404, "there is none"),
            None => {
                let look = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Answer::items(&nodes(look, from))
            }
        }
    });
    go_on(&engine, &name(), &client).await.unwrap();
    let restarts: Vec<String> =
        calls(&engine, &["exec"]).into_iter().filter(|call| call.contains("systemctl")).collect();
    assert_eq!(restarts, ["exec a-worker systemctl restart kubelet"], "{looks:?} looks");
}
