//! One run of the suite for one spec: the command, its limit, and what it left.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::process::Command;

use crate::report::{self, Outcome, ReportError};

/// How long the suite has to end by itself after its own limit.
const GRACE: Duration = Duration::from_secs(60);

/// What a run of the suite needs to know.
#[derive(Debug, Clone)]
pub struct Invocation<'a> {
    /// The suite's program.
    pub e2e_test: &'a Path,
    /// The `kubectl` that specs call.
    pub kubectl: &'a Path,
    /// The administrator's kubeconfig. It holds a private key.
    pub kubeconfig: &'a str,
    /// How many nodes take pods.
    pub workers: usize,
    /// The spec's exact name.
    pub upstream: &'a str,
    /// How long it may take.
    pub limit: Duration,
}

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    /// What became of the spec.
    pub outcome: Outcome,
    /// How long the whole process took.
    pub took: Duration,
    /// Everything that the suite printed.
    pub log: String,
}

/// The suite did not run as it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// A file of the run.
    #[error("{action} for the run of the suite")]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// It did not start.
    #[error("start {}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It did not end.
    #[error("wait for the suite: not done after {} s, its own limit being {} s; it was killed; its output ends in\n{tail}", (*limit + GRACE).as_secs(), limit.as_secs())]
    Hangs {
        /// Its own limit.
        limit: Duration,
        /// The last lines that it printed.
        tail: String,
    },
    /// It ended without a report.
    #[error("run the suite: it ended with {status} and left no report; its output ends in\n{tail}")]
    NoReport {
        /// How it ended.
        status: String,
        /// The last lines that it printed.
        tail: String,
        /// What is wrong with the report.
        #[source]
        source: ReportError,
    },
}

impl Invocation<'_> {
    /// Runs the suite for the spec and reads what became of it.
    ///
    /// # Errors
    /// When the suite cannot be started, does not end, or leaves no report. A spec that fails is no error.
    pub async fn run(&self) -> Result<Ran, InvokeError> {
        let file = |action| move |source| InvokeError::File { action, source };
        // Only for this user: the kubeconfig in it holds a private key.
        let folder = tempfile::Builder::new().prefix("kind-conformance-").tempdir().map_err(file("make a folder"))?;
        let (kubeconfig, report, log) =
            (folder.path().join("kubeconfig"), folder.path().join("report.json"), folder.path().join("log"));
        std::fs::write(&kubeconfig, self.kubeconfig).map_err(file("write the kubeconfig"))?;
        let output = File::create(&log).map_err(file("make a log"))?;
        let errors = output.try_clone().map_err(file("make a log"))?;
        let start = Instant::now();
        let mut suite = Command::new(self.e2e_test)
            .args(self.arguments(&kubeconfig, &report, folder.path()))
            .env_remove("KUBECONFIG")
            // It lives for seconds, and a third of its start would go into collecting garbage.
            .env("GOGC", "400")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| InvokeError::Start { program: self.e2e_test.to_owned(), source })?;
        let ended = tokio::time::timeout(self.limit + GRACE, suite.wait()).await;
        let took = start.elapsed();
        let log = String::from_utf8_lossy(&std::fs::read(&log).map_err(file("read the log"))?).into_owned();
        let Ok(status) = ended else {
            suite.kill().await.map_err(file("kill the suite"))?;
            return Err(InvokeError::Hangs { limit: self.limit, tail: tail(&log) });
        };
        let status = status.map_err(file("wait for the suite"))?;
        match report::read(&report, self.upstream) {
            Ok(outcome) => Ok(Ran { outcome, took, log }),
            Err(source) => Err(InvokeError::NoReport { status: status.to_string(), tail: tail(&log), source }),
        }
    }

    fn arguments(&self, kubeconfig: &Path, report: &Path, folder: &Path) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--kubectl-path={}", self.kubectl.display()),
            "--provider=skeleton".to_owned(),
            format!("--num-nodes={}", self.workers),
            format!("--e2e-output-dir={}", folder.display()),
            "--disable-log-dump=true".to_owned(),
            // Whoever looks at the failure deletes it.
            "--delete-namespace-on-failure=false".to_owned(),
            format!("--ginkgo.focus={}", focus(self.upstream)),
            format!("--ginkgo.timeout={}s", self.limit.as_secs()),
            format!("--ginkgo.json-report={}", report.display()),
            "--ginkgo.no-color".to_owned(),
            "--ginkgo.v".to_owned(),
            "--ginkgo.silence-skips".to_owned(),
        ]
    }
}

/// A regular expression that matches this spec and no other. Ginkgo matches it with the suite's name in front.
fn focus(upstream: &str) -> String {
    let mut pattern = String::with_capacity(upstream.len() * 2);
    for word in upstream.split_whitespace() {
        pattern.push_str(" +");
        for character in word.chars() {
            if !character.is_alphanumeric() && character.is_ascii() {
                pattern.push('\\');
            }
            pattern.push(character);
        }
    }
    pattern + " *$"
}

fn tail(log: &str) -> String {
    const LINES: usize = 20;
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_focus_is_the_whole_name_and_nothing_of_it_is_a_pattern() {
        assert_eq!(focus("[sig-a] X.y  (z)"), r" +\[sig\-a\] +X\.y +\(z\) *$");
    }

    fn invocation(program: &Path, limit: Duration) -> Invocation<'_> {
        Invocation { e2e_test: program, kubectl: program, kubeconfig: "", workers: 2, upstream: "[sig-a] b", limit }
    }

    fn script(folder: &Path, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.join("suite");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[tokio::test]
    async fn a_suite_that_dies_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(folder.path(), "echo no such flag; exit 2");
        let error = invocation(&program, Duration::from_secs(5)).run().await.unwrap_err().to_string();
        assert!(error.contains("exit status: 2") && error.ends_with("no such flag"), "{error}");
    }

    #[tokio::test]
    async fn a_missing_suite_is_named() {
        let error = invocation(Path::new("/no/e2e.test"), Duration::from_secs(5)).run().await.unwrap_err();
        assert_eq!(error.to_string(), "start /no/e2e.test");
    }

    #[tokio::test]
    async fn what_the_report_says_counts() {
        let folder = tempfile::tempdir().unwrap();
        let program = script(
            folder.path(),
            r#"for a in "$@"; do case $a in --ginkgo.json-report=*) r=${a#*=};; esac; done
echo '[{"SpecReports":[{"LeafNodeType":"It","ContainerHierarchyTexts":["[sig-a]"],"LeafNodeText":"b","State":"passed","RunTime":7}]}]' >"$r"
exit 1"#,
        );
        let ran = invocation(&program, Duration::from_secs(5)).run().await.unwrap();
        assert_eq!(ran.outcome, Outcome::Passed { took: Duration::from_nanos(7) });
    }
}
