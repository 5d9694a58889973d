//! What is asked of the API for a program, and what is told of how it ends.

use std::sync::{Arc, Mutex};

use http::Method;
use kind_core::fake_api::{Answer, FakeApi};
use serde_json::{Value, json};

use super::{Output, RunError, run::run};

/// Runs a program whose pod has these statuses, one after the other; `null` for a pod that is gone. The last one stays.
async fn ran(statuses: &[Value]) -> (Result<Output, RunError>, Value) {
    let (left, made) = (Mutex::new(statuses.to_vec()), Arc::new(Mutex::new(Value::Null)));
    let seen = Arc::clone(&made);
    let client = FakeApi::default().client(move |method, path, body| {
        if method == Method::POST {
            *seen.lock().unwrap() = body.clone();
            let mut pod = body;
            pod["metadata"]["name"] = "run-1".into();
            return Answer::Json(201, pod);
        }
        if path.contains("/log") {
            return Answer::Text("one\ntwo\n".to_owned());
        }
        if path.contains("/events") {
            let event = |kind: &str, reason: &str| {
                json!({ "metadata": {}, "involvedObject": {}, "type": kind, "reason": reason, "message": "m" })
            };
            return Answer::items(&json!([event("Normal", "Scheduled"), event("Warning", "FailedMount")]));
        }
        if path.contains("watch=true") {
            return Answer::Silence;
        }
        let mut left = left.lock().unwrap();
        let status = if left.len() > 1 { left.remove(0) } else { left[0].clone() };
        let pod = json!({ "metadata": { "name": "run-1", "uid": "u", "resourceVersion": "1" }, "status": status });
        let items = if status.is_null() { json!([]) } else { json!([pod]) };
        Answer::ok(json!({ "kind": "List", "metadata": { "resourceVersion": "1" }, "items": items }))
    });
    let output = run(&client, "ns", "it:1", vec!["it".to_owned(), "now".to_owned()]).await;
    let made = made.lock().unwrap().clone();
    (output, made)
}

fn ended(code: i32) -> Value {
    json!({ "phase": "Succeeded", "containerStatuses": [{ "state": { "terminated": { "exitCode": code } } }] })
}

fn running() -> Value {
    json!({ "phase": "Running", "containerStatuses": [{ "state": { "running": {} } }] })
}

#[tokio::test(start_paused = true)]
async fn a_program_runs_to_its_end() {
    let (output, made) = ran(&[running(), ended(3)]).await;
    let output = output.unwrap();
    assert_eq!((output.log.as_str(), output.exit_code), ("one\ntwo\n", 3));
    let failed = output.success().unwrap_err().to_string();
    assert_eq!(failed, "pod run-1 ended with exit code 3; it printed \"one\\ntwo\"");
    assert_eq!(ran(&[ended(0)]).await.0.unwrap().success().unwrap(), "one\ntwo\n");

    let spec = &made["spec"];
    assert_eq!(spec["containers"][0]["command"], json!(["it", "now"]));
    assert_eq!(spec["containers"][0]["imagePullPolicy"], "IfNotPresent");
    assert_eq!((&spec["restartPolicy"], &spec["automountServiceAccountToken"]), (&json!("Never"), &json!(false)));
}

#[tokio::test(start_paused = true)]
async fn what_never_starts_is_told_before_the_limit() {
    let waiting = json!({ "waiting": { "reason": "ErrImageNeverPull", "message": "image is not present" } });
    let begun = tokio::time::Instant::now();
    let (output, _) = ran(&[json!({ "phase": "Pending", "containerStatuses": [{ "state": waiting }] })]).await;
    let text = output.unwrap_err().to_string();
    assert_eq!(text, "run it:1 as pod run-1: ErrImageNeverPull: image is not present");
    assert!(begun.elapsed().as_secs() < 5);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_start_in_time_is_told_with_the_clusters_warnings() {
    let text = ran(&[json!({ "phase": "Pending" })]).await.0.unwrap_err().to_string();
    let expected = "run it:1 as pod run-1: it did not start within 120s: Pending; warnings: FailedMount: m";
    assert_eq!(text, expected);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_somebody_deletes_is_not_waited_for() {
    let text = ran(&[running(), Value::Null]).await.0.unwrap_err().to_string();
    assert_eq!(text, "run it:1 as pod run-1: it was deleted while it ran");
}
