//! What a failing test prints and leaves: it runs in a process of its own, so that its failure can be looked at.

use std::{process::Command, time::Duration};

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kind_harness::{
    TestContext, kind_test,
    wait::{Check, until},
};
use kube::{Api, Client, api::PostParams};
use serde_json::json;

use crate::small;

/// Runs one ignored test of this binary and returns whether it passed, and everything it printed.
fn run(test: &str, artifacts: &std::path::Path) -> (bool, String) {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", test])
        .env("ARTIFACTS", artifacts)
        .env("KIND_TEST_KEEP", "never")
        .env_remove("NEXTEST_TEST_NAME")
        .output()
        .expect("run this program");
    let printed = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
}

#[kind_test(cluster = small, timeout = "3m")]
async fn a_failing_test_says_what_it_left(context: TestContext) -> anyhow::Result<()> {
    let (passed, text) = run("failing::leaves_a_crashing_pod", context.artifacts()?);
    assert!(!passed, "{text}");
    assert!(text.contains("the test returned an error: place the order\n  caused by: nobody answered"), "{text}");
    let summary = text
        .lines()
        .skip_while(|line| !line.starts_with("---- live::failing"))
        .take_while(|line| line.starts_with(['-', ' ']));
    assert!((5..=20).contains(&summary.count()), "{text}");
    for expected in ["pod crashing: ", "log of crashing/main:", "all of it: "] {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
    let bundle = context.artifacts()?.join("kind-harness.live.failing.leaves_a_crashing_pod");
    for file in ["summary.txt", "timeline.txt", "events.txt", "cluster/nodes.yaml", "objects/pods.yaml"] {
        assert!(bundle.join(file).is_file(), "{file}");
    }
    println!("{text}");
    Ok(())
}

#[kind_test(cluster = small, timeout = "3m")]
async fn a_hanging_test_is_ended(context: TestContext) -> anyhow::Result<()> {
    let (passed, text) = run("failing::hangs", context.artifacts()?);
    assert!(!passed, "{text}");
    assert!(text.contains("did not end within 1.00 s, the limit that its `timeout` sets"), "{text}");
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("place the order")]
struct OrderError(#[source] std::io::Error);

#[kind_test(cluster = small)]
#[ignore = "fails on purpose; `a_failing_test_says_what_it_left` runs it"]
async fn leaves_a_crashing_pod(client: Client) -> Result<(), OrderError> {
    // Any image that every node has and that ends at once when told nonsense.
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "kube-system");
    let coredns = deployments.get("coredns").await.expect("coredns");
    let image = coredns.spec.template.spec.and_then(|spec| spec.containers.first()?.image.clone());
    let pods: Api<Pod> = Api::default_namespaced(client);
    let pod = json!({ "metadata": { "name": "crashing" }, "spec": { "containers": [{
        "name": "main", "image": image, "imagePullPolicy": "Never", "args": ["-conf", "/nowhere"] }] } });
    pods.create(&PostParams::default(), &serde_json::from_value(pod).expect("a pod")).await.expect("create the pod");
    until("the pod to crash", Duration::from_secs(60), async || {
        let status = pods.get("crashing").await.ok().and_then(|pod| pod.status);
        let containers = status.and_then(|status| status.container_statuses).unwrap_or_default();
        if containers.iter().any(|it| it.restart_count > 0) { Check::Done(()) } else { Check::not_yet("no restart") }
    })
    .await
    .expect("a crash");
    Err(OrderError(std::io::Error::other("nobody answered")))
}

#[kind_test(cluster = small, timeout = "1s")]
#[ignore = "hangs on purpose; `a_hanging_test_is_ended` runs it"]
async fn hangs() {
    std::future::pending::<()>().await;
}

/// An engine that is named is meant to be there: without it a test fails, also where tests may be skipped.
#[test]
fn a_named_engine_that_does_not_answer_is_a_failure() -> std::io::Result<()> {
    let state = tempfile::tempdir()?;
    let failed = Command::new(std::env::current_exe()?)
        .args(["--exact", "injection::a_client_reaches_the_cluster"])
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .env("KIND_TEST_STATE_DIR", state.path())
        .env("KIND_TEST_REQUIRE", "0")
        .env_remove("NEXTEST_TEST_NAME")
        .output()?;
    let text = String::from_utf8_lossy(&failed.stdout);
    assert!(!failed.status.success(), "{text}");
    assert!(text.contains("unix:///nowhere/docker.sock (from DOCKER_HOST)"), "{text}");
    Ok(())
}
