//! Runs one ignored test of this program in a process of its own, on a scripted cluster.

use std::{path::PathBuf, process::Stdio, time::Duration};

use kind_harness::wait::{Check, until};
use tokio::process::{Child, Command};

use crate::api::{SECRETS, ScriptedApi};

/// Who runs the tests: it decides what a test knows of its runner.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runner {
    /// A process for each test.
    Nextest,
    /// Threads for all tests.
    Cargo,
}

/// How a test ended and everything it printed.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

pub(crate) fn command(api: &ScriptedApi, runner: Runner, test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--ignored", "--exact", test])
        .env("KIND_TEST_KUBECONFIG", api.kubeconfig())
        .env("KIND_TEST_STATE_DIR", api.folder().join("state"))
        .env("ARTIFACTS", api.folder().join("artifacts"))
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .env_remove("KIND_TEST_KEEP")
        .env_remove("KIND_TEST_TIMEOUT")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    match runner {
        Runner::Nextest => command.arg("--nocapture").env("NEXTEST_TEST_NAME", test),
        Runner::Cargo => command.env_remove("NEXTEST_TEST_NAME"),
    };
    command
}

/// Runs it to its end.
pub(crate) async fn run(api: &ScriptedApi, runner: Runner, test: &str) -> Ended {
    end(command(api, runner, test).spawn().expect("start the test")).await
}

/// Waits for its end. Whatever it printed holds no secret.
pub(crate) async fn end(child: Child) -> Ended {
    let output = tokio::time::timeout(Duration::from_secs(60), child.wait_with_output()).await;
    let output = output.expect("it ends within a minute").expect("wait for the test");
    let text = [output.stderr, output.stdout].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    Ended { code: output.status.code(), text }
}

/// The test's bundle, every file of which holds no secret and is for the user only.
pub(crate) fn bundle(api: &ScriptedApi, test: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = api.folder().join("artifacts").join(format!("kind-harness.scripted.{}", test.replace("::", ".")));
    let mut folders = vec![folder.clone()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = std::fs::read_to_string(&path).expect("a text");
            assert!(
                SECRETS.iter().all(|secret| !content.contains(secret)),
                "a secret in {}: {content}",
                path.display()
            );
            let mode = std::fs::metadata(&path).expect("metadata").permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", path.display());
        }
    }
    folder
}

/// Waits until the test has come so far that it asked the API for this.
pub(crate) async fn asked(api: &ScriptedApi, call: &str) {
    let look = async || if api.count(call) > 0 { Check::Done(()) } else { Check::not_yet("not asked") };
    until(format!("a request {call}"), Duration::from_secs(30), look).await.expect("the test to start");
}

/// The lines that the harness printed about what the test left.
pub(crate) fn summary(text: &str) -> Vec<&str> {
    let lines = text.lines().skip_while(|line| !line.starts_with("---- scripted::"));
    let mut lines = lines.peekable();
    let first = lines.next();
    first.into_iter().chain(lines.take_while(|line| line.starts_with("  "))).collect()
}
