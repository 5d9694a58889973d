//! The report of a run, written by a process that outlives it. No engine is needed: runs without one have a report, too.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use kind_harness::wait::{Check, until};

/// A test of this binary, as nextest and as libtest name it.
const TEST: &str = "injection::a_client_reaches_the_cluster";

/// A whole run of one test: a process that takes the runner's place, and ends with the test.
fn run(artifacts: &Path, run: &str, engine: &str) -> Command {
    let mut command = Command::new("sh");
    command
        // Only the test gets the variable, so that its parent is who gave it, and the run ends with that.
        .args(["-c", "NEXTEST_RUN_ID=$0 \"$@\"; exit $?", run])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", TEST])
        .env("ARTIFACTS", artifacts.join("artifacts"))
        .env("KIND_TEST_STATE_DIR", artifacts.join("state"))
        .env("DOCKER_HOST", engine)
        .env("KIND_TEST_REQUIRE", "0")
        .env_remove("NEXTEST_RUN_ID")
        .env_remove("NEXTEST_TEST_NAME")
        .stdin(Stdio::null());
    command
}

/// Waits for a page with all of these texts that was written when the run was over.
async fn page_with(artifacts: &Path, texts: &[&str]) {
    let file = artifacts.join("artifacts/report.html");
    until("the report", Duration::from_secs(30), async || {
        let page = fs::read_to_string(&file).unwrap_or_default();
        match texts.iter().find(|text| !page.contains(**text)) {
            None if page.contains("while the run went on") => Check::not_yet("it is still written"),
            None => Check::Done(()),
            Some(missing) => Check::not_yet(format!("no {missing:?} in {} bytes", page.len())),
        }
    })
    .await
    .expect("a report");
}

#[tokio::test]
async fn a_run_whose_engine_does_not_answer_has_a_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = run(folder.path(), "first", "unix:///nowhere/docker.sock").output().expect("run this program");
    assert!(!output.status.success(), "an engine that was named and does not answer is a failure");
    page_with(folder.path(), &["1 of 1 test failed", "a_client_reaches_the_cluster", "/nowhere/docker.sock"]).await;

    // Another run has the page after it, which leads to this one's.
    let output = run(folder.path(), "second", "unix:///nowhere/docker.sock").output().expect("run this program");
    assert!(!output.status.success(), "it is one again");
    page_with(folder.path(), &["nextest second", "runs/nextest-first/report.html"]).await;
}
