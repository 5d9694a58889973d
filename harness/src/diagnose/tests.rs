//! The summary and the bundle of scripted namespaces.

use std::{path::Path, sync::Arc, time::SystemTime};

use kind_core::{
    activity::Doing,
    cluster::{Cluster, ClusterRecord, NodeRecord},
    fake_api::{Answer, FakeApi},
    settings::Keep,
    spec::{ClusterName, Role},
};
use kind_engine::{FakeEngine, Outcome};
use kube::Client;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::{
    LIMIT,
    bundle::{self, files},
    collect::{Scene, Snapshot},
    failure::{Failed, Look},
    summary::summary,
};

/// A cluster on an engine that has nothing to say.
fn cluster() -> Cluster {
    cluster_on(FakeEngine::default())
}

fn cluster_on(engine: FakeEngine) -> Cluster {
    let name = ClusterName::new("kt-1").unwrap();
    let node =
        |index| NodeRecord::new(name.node(Role::ControlPlane, index), Role::ControlPlane, [100, 64, 7, 11].into());
    let mut record = ClusterRecord::existing(name.clone(), String::new(), "SECRET-KEY".to_owned());
    record.nodes = vec![node(0), node(1)];
    record.load_balancer = Some(name.load_balancer());
    record.image = "node".to_owned();
    record.kubernetes_version = "v1.37.2".to_owned();
    Cluster::with_engine(record, Arc::new(engine))
}

static NOTHING: Doing = Doing { awaits: Vec::new(), waits: Vec::new(), requests: Vec::new(), ended: Vec::new() };

fn failed(cluster: &Cluster) -> Failed<'_> {
    Failed {
        test: "smoke::orders::survives_restart",
        reason: "panicked: no order",
        timeline: "waited for a cluster 34.1 s, made a namespace 0.02 s, ran the body 12.0 s",
        since: SystemTime::UNIX_EPOCH + Duration::from_secs(1000),
        doing: &NOTHING,
        namespace: Some("orders-survives-restart-0b88ff-12345"),
        cluster,
        keep: Keep::OnFailure,
        look: Look::InNode,
        folder: Path::new("/target/kind/smoke.orders.survives_restart"),
    }
}

fn pod(name: &str, status: &Value) -> Value {
    json!({ "metadata": { "name": name, "managedFields": [{ "manager": "me" }] },
        "spec": { "containers": [{ "name": "main" }] }, "status": status })
}

fn running(name: &str) -> Value {
    pod(name, &json!({ "phase": "Running", "containerStatuses": [status(true, 0, &json!({ "running": {} }))] }))
}

fn status(ready: bool, restarts: u32, state: &Value) -> Value {
    json!({ "name": "main", "image": "i", "imageID": "", "ready": ready, "restartCount": restarts, "state": state })
}

fn crashing(name: &str) -> Value {
    let waiting =
        json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container" } });
    pod(name, &json!({ "phase": "Running", "containerStatuses": [status(false, 3, &waiting)] }))
}

fn unschedulable(name: &str) -> Value {
    let condition = json!({ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/4 nodes are available:\n insufficient cpu" });
    pod(name, &json!({ "phase": "Pending", "conditions": [condition] }))
}

fn warning(at: u32, reason: &str, message: &str, count: u32) -> Value {
    json!({ "metadata": { "name": format!("e{at}") }, "type": "Warning", "reason": reason, "message": message,
        "count": count, "lastTimestamp": format!("2026-11-23T03:00:{at:02}Z"),
        "involvedObject": { "kind": "Pod", "name": "db-0" } })
}

/// The API of a namespace with these pods, events and secrets.
fn answer(path: &str, pods: &Value, events: &Value) -> Answer {
    let node = |name: &str, ready: &str| json!({ "metadata": { "name": name }, "status": { "conditions": [{ "type": "Ready", "status": ready }] } });
    match path {
        "/api" => discovery("", &[("secrets", "Secret"), ("pods", "Pod"), ("events", "Event")]),
        "/apis" => discovery("shop.example", &[("orders", "Order")]),
        _ if path.contains("/kube-system/pods?") => Answer::items(&json!([running("coredns"), crashing("dns-2")])),
        _ if path.contains("/log?") && path.contains("previous=true") => {
            Answer::Text("2026-11-23T03:00:01.123456789Z starting\nFATAL: disk is full\n\n".to_owned())
        }
        _ if path.contains("/log?") => Answer::Text(String::new()),
        _ if path.starts_with("/api/v1/nodes") => {
            Answer::items(&json!([node("kt-1-control-plane", "True"), node("kt-1-control-plane2", "Unknown")]))
        }
        _ if path.contains("/pods") => Answer::items(pods),
        _ if path.contains("/events") => Answer::items(events),
        _ if path.contains("/secrets") => Answer::items(&json!([{
            "metadata": { "name": "s", "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "HIDDEN" } },
            "type": "Opaque", "data": { "password": "SElEREVO" } }])),
        _ if path.contains("/orders") => Answer::refused(403, "not you"),
        _ => Answer::no_items(),
    }
}

/// What the API says of a group's kinds.
fn discovery(group: &str, kinds: &[(&str, &str)]) -> Answer {
    let resource = |(plural, kind): &(&str, &str)| {
        json!({ "resource": plural, "scope": "Namespaced", "singularResource": "", "verbs": ["get", "list"],
            "responseKind": { "group": group, "version": "v1", "kind": kind } })
    };
    let resources: Vec<Value> = kinds.iter().map(resource).collect();
    Answer::ok(json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
        "items": [{ "metadata": { "name": group }, "versions": [{ "version": "v1", "resources": resources }] }] }))
}

async fn snapshot(pods: Value, events: Value) -> Snapshot {
    let client = FakeApi::default().client(move |_, path, _| answer(path, &pods, &events));
    look(&client, &cluster()).await
}

async fn look(client: &Client, cluster: &Cluster) -> Snapshot {
    let scene = Scene { client, cluster, namespace: Some("ns"), since: failed(cluster).since };
    Snapshot::take(&scene, Instant::now() + Duration::from_secs(20)).await
}

fn golden(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/diagnose");
    kind_testkit::assert_golden(folder.join(name), &format!("{text}\n"));
}

#[tokio::test]
async fn unwell_pods_come_first() {
    let events = json!([
        warning(30, "BackOff", "Back-off restarting failed container", 7),
        warning(10, "FailedMount", "MountVolume.SetUp failed", 1),
        { "metadata": {}, "type": "Normal", "reason": "Pulled", "involvedObject": {} },
    ]);
    let snapshot = snapshot(json!([running("web-1"), crashing("db-0"), unschedulable("big")]), events).await;
    golden("unwell.txt", &summary(&failed(&cluster()), &snapshot, None));
}

#[tokio::test]
async fn a_crowd_fits_into_twenty_lines() {
    let pods: Vec<Value> = (0..40).map(|index| crashing(&format!("web-{index}"))).collect();
    let long = "x".repeat(1000);
    let events: Vec<Value> = (0..50).map(|second| warning(second, "BackOff", &long, 2)).collect();
    let snapshot = snapshot(json!(pods), json!(events)).await;
    let text = summary(&failed(&cluster()), &snapshot, None);
    assert!(text.lines().count() <= 20, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 180), "{text}");
    golden("crowd.txt", &text);
}

#[tokio::test]
async fn a_quiet_namespace_says_so() {
    let snapshot = snapshot(json!([]), json!([])).await;
    let cluster = cluster();
    let failed = Failed { keep: Keep::Never, ..failed(&cluster) };
    golden("quiet.txt", &summary(&failed, &snapshot, Some(&"no space left on device")));
}

#[tokio::test(start_paused = true)]
async fn an_api_that_does_not_answer_costs_the_limit_and_no_more() {
    let client = FakeApi::default().client(|_, _, _| Answer::Silence);
    let start = Instant::now();
    let cluster = cluster();
    let folder = tempfile::tempdir().unwrap();
    let failed = Failed { folder: folder.path(), ..failed(&cluster) };
    let text = super::failure(&client, &failed, LIMIT).await;
    assert!(start.elapsed() <= Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(text.contains("not to be had: nodes: no answer in time (and 13 more)"), "{text}");
}

#[tokio::test]
async fn the_bundle_has_everything_but_secrets() {
    let pods = json!([crashing("db-0")]);
    let events = json!([warning(1, "BackOff", "two\nlines", 2)]);
    let client = FakeApi::default().client(move |_, path, _| answer(path, &pods, &events));
    let engine = FakeEngine::default();
    engine.when("--unit kubelet", Outcome::Print("kubelet: token=SECRET-TOKEN\n".to_owned()));
    engine.when("exec kt-1-control-plane2", Outcome::Refuse("it is not running".to_owned()));
    engine.when("logs kt-1-external-load-balancer", Outcome::Print("nginx\n".to_owned()));
    let cluster = cluster_on(engine);
    let snapshot = look(&client, &cluster).await;
    let folder = tempfile::tempdir().unwrap();
    let failed = Failed { folder: folder.path(), ..failed(&cluster) };
    bundle::write(&failed, &snapshot, &bundle::known(&snapshot)).unwrap();
    let names: Vec<String> = files(&failed, &snapshot).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "summary.txt",
            "timeline.txt",
            "doing.txt",
            "events.txt",
            "objects/pods.yaml",
            "missing.txt",
            "objects/secrets.yaml",
            "logs/db-0/main.previous.log",
            "logs/db-0/main.log",
            "cluster/nodes.yaml",
            "cluster/system-pods.txt",
            "cluster/system-pods.yaml",
            "cluster/logs/dns-2/main.previous.log",
            "cluster/logs/dns-2/main.log",
            "cluster/nodes/kt-1-control-plane/kubelet.log",
            "cluster/nodes/kt-1-control-plane/containerd.log",
            "cluster/load-balancer.log",
        ]
    );
    let all: String = names.iter().map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap()).collect();
    for secret in ["SElEREVO", "HIDDEN", "SECRET-KEY", "SECRET-TOKEN", "managedFields"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    for expected in [
        "password: <left out>",
        "2026-11-23T03:00:01Z Warning BackOff Pod/db-0 x2: two lines",
        "coredns on : Running, 1 of 1 ready, 0 restarts",
        "orders.shop.example: not you",
        "kubelet's journal of kt-1-control-plane2: fake exec kt-1-control-plane2",
    ] {
        assert!(all.contains(expected), "{expected:?} in {all}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_does_not_answer_costs_the_limit_and_no_more() {
    let engine = FakeEngine::default();
    engine.when("", Outcome::Hang);
    let (pods, events) = (json!([]), json!([]));
    let client = FakeApi::default().client(move |_, path, _| answer(path, &pods, &events));
    let start = Instant::now();
    let snapshot = look(&client, &cluster_on(engine)).await;
    assert!(start.elapsed() <= Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(snapshot.nodes.len(), 2, "the API's answers are there all the same");
    let missing = snapshot.missing.join("\n");
    assert!(missing.contains("containerd's journal of kt-1-control-plane2: no answer in time"), "{missing}");
    assert!(missing.contains("the load balancer's log: no answer in time"), "{missing}");
}

#[tokio::test]
async fn thousands_of_pods_cost_a_bounded_look() {
    let pods: Vec<Value> = (0..500).map(|index| running(&format!("web-{index}"))).collect();
    let page = json!({ "kind": "List", "metadata": { "continue": "more" }, "items": pods });
    let api = FakeApi::default();
    let client = api.client(move |_, path, _| match path {
        _ if path.contains("/log?") => Answer::Text("x".repeat(1_000_000)),
        _ if path.contains("/ns/pods?") => Answer::ok(page.clone()),
        _ => answer(path, &json!([]), &json!([])),
    });
    let cluster = cluster();
    let snapshot = look(&client, &cluster).await;
    assert_eq!(snapshot.pods.len(), 2000);
    assert_eq!(api.calls().iter().filter(|call| call.contains("/log")).count(), 102, "and two of the system");
    assert!(snapshot.missing.contains(&"pods: only the first 2000".to_owned()), "{:?}", snapshot.missing);
    assert!(snapshot.missing.contains(&"1900 more logs of ns: too many".to_owned()), "{:?}", snapshot.missing);
    let size: usize = files(&failed(&cluster), &snapshot).iter().map(|(_, text)| text.len()).sum();
    assert!(size < 32 * 1024 * 1024, "{size}");
}

/// A test that did not end says so in the same few lines.
#[tokio::test]
async fn what_a_test_was_doing_takes_the_place_of_a_pod_and_a_log() {
    let pods: Vec<Value> = (0..40).map(|index| crashing(&format!("web-{index}"))).collect();
    let events: Vec<Value> = (0..50).map(|second| warning(second, "BackOff", "x", 2)).collect();
    let snapshot = snapshot(json!(pods), json!(events)).await;
    let lines = |what: &str| (0..9).map(|index| format!("{what} {index}")).collect::<Vec<_>>();
    let awaits = vec![vec!["tests/a.rs:41:18 (e2e::placed)".to_owned(), "tests/a.rs:12:22 (e2e::orders)".to_owned()]];
    let doing = Doing { awaits, waits: lines("pod"), requests: lines("GET"), ended: lines("POST") };
    let cluster = cluster();
    let text = summary(&Failed { doing: &doing, ..failed(&cluster) }, &snapshot, None);
    assert!(text.lines().count() <= 20, "{text}");
    golden("doing.txt", &text);
}
