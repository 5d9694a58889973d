//! The summary and the bundle of scripted namespaces.

use std::path::Path;

use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use crate::{
    cluster::{ClusterRecord, NodeRecord},
    fake_api::{Answer, FakeApi},
    settings::Keep,
    spec::{ClusterName, Role},
};

use super::{bundle::files, collect::Snapshot, failure::Failed, summary::summary};

fn record() -> ClusterRecord {
    let name = ClusterName::new("kt-1").unwrap();
    let node = |index| NodeRecord {
        name: name.node(Role::ControlPlane, index),
        role: Role::ControlPlane,
        address: [100, 64, 7, 11].into(),
    };
    ClusterRecord {
        nodes: vec![node(0), node(1)],
        name,
        image: "node".to_owned(),
        kubernetes_version: "v1.37.2".to_owned(),
        load_balancer: None,
        server: String::new(),
        kubeconfig: "SECRET-KEY".to_owned(),
        created: 0,
    }
}

fn failed(cluster: &ClusterRecord) -> Failed<'_> {
    Failed {
        test: "smoke::orders::survives_restart",
        reason: "panicked: no order",
        timeline: "waited for a cluster 34.1 s, made a namespace 0.02 s, ran the body 12.0 s",
        namespace: Some("orders-survives-restart-0b88ff-12345"),
        cluster,
        keep: Keep::OnFailure,
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
        _ if path.contains("/log?") && path.contains("previous=true") => {
            Answer::Text("2026-11-23T03:00:01.123456789Z starting\nFATAL: disk is full\n\n".to_owned())
        }
        _ if path.contains("/log?") => Answer::Text(String::new()),
        _ if path.ends_with("/nodes?") || path.ends_with("/nodes") => {
            Answer::items(&json!([node("kt-1-control-plane", "True"), node("kt-1-control-plane2", "Unknown")]))
        }
        _ if path.contains("/pods") => Answer::items(pods),
        _ if path.contains("/events") => Answer::items(events),
        _ if path.contains("/secrets") => Answer::items(&json!([{
            "metadata": { "name": "s", "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "HIDDEN" } },
            "type": "Opaque", "data": { "password": "SElEREVO" } }])),
        _ if path.contains("/jobs") => Answer::refused(403, "not you"),
        _ => Answer::no_items(),
    }
}

async fn snapshot(pods: Value, events: Value) -> Snapshot {
    let client = FakeApi::default().client(move |_, path, _| answer(path, &pods, &events));
    Snapshot::take(&client, Some("ns"), Instant::now() + Duration::from_secs(20)).await
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
    golden("unwell.txt", &summary(&failed(&record()), &snapshot, None));
}

#[tokio::test]
async fn a_crowd_fits_into_twenty_lines() {
    let pods: Vec<Value> = (0..40).map(|index| crashing(&format!("web-{index}"))).collect();
    let long = "x".repeat(1000);
    let events: Vec<Value> = (0..50).map(|second| warning(second, "BackOff", &long, 2)).collect();
    let snapshot = snapshot(json!(pods), json!(events)).await;
    let text = summary(&failed(&record()), &snapshot, None);
    assert!(text.lines().count() <= 20, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 180), "{text}");
    golden("crowd.txt", &text);
}

#[tokio::test]
async fn a_quiet_namespace_says_so() {
    let snapshot = snapshot(json!([]), json!([])).await;
    let record = record();
    let failed = Failed { keep: Keep::Never, ..failed(&record) };
    golden("quiet.txt", &summary(&failed, &snapshot, Some(&"no space left on device")));
}

#[tokio::test(start_paused = true)]
async fn an_api_that_does_not_answer_costs_the_limit_and_no_more() {
    let client = FakeApi::default().client(|_, _, _| Answer::Silence);
    let start = Instant::now();
    let record = record();
    let folder = tempfile::tempdir().unwrap();
    let failed = Failed { folder: folder.path(), ..failed(&record) };
    let text = super::failure(&client, &failed).await;
    assert!(start.elapsed() <= Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(text.contains("not to be had: nodes: no answer in time (and 11 more)"), "{text}");
}

#[tokio::test]
async fn the_bundle_has_everything_but_secrets() {
    let snapshot = snapshot(json!([crashing("db-0")]), json!([warning(1, "BackOff", "two\nlines", 2)])).await;
    let record = record();
    let files = files(&failed(&record), &snapshot);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "summary.txt",
            "timeline.txt",
            "nodes.yaml",
            "events.txt",
            "objects/pods.yaml",
            "missing.txt",
            "objects/secrets.yaml",
            "logs/db-0/main.previous.log",
            "logs/db-0/main.log",
        ]
    );
    let all: String = files.iter().map(|(_, text)| text.as_str()).collect();
    for secret in ["SElEREVO", "HIDDEN", "SECRET-KEY", "managedFields"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    assert!(all.contains("password: <left out>"), "{all}");
    assert!(all.contains("2026-11-23T03:00:01Z Warning BackOff Pod/db-0 x2: two lines"), "{all}");
}
