//! One run of the suite for one spec: the command, its limit, and what it left.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::{Child, Command};

use crate::{
    report::{self, Outcome, ReportError},
    stop::Stop,
    suite::Suite,
};

/// How long the suite has to end by itself after its own limit.
pub(crate) const GRACE: Duration = Duration::from_secs(60);

/// What a run of the suite needs to know.
#[derive(Debug, Clone)]
pub struct Invocation<'a> {
    /// The suite.
    pub suite: &'a Suite,
    /// The administrator's kubeconfig. It holds a private key.
    pub kubeconfig: &'a str,
    /// The spec's exact name.
    pub upstream: &'a str,
    /// How long it may take.
    pub limit: Duration,
    /// The file that gets everything that the suite prints, while it prints it.
    pub log: &'a Path,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself.
    Ran(Ran),
    /// It was to end early, and did.
    Stopped {
        /// What the suite had printed by then.
        log: String,
    },
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
    /// The suite did not say in which order its processes run its specs.
    #[error("ask the suite for the order of its specs")]
    Order(#[source] Box<InvokeError>),
    /// A process ran something that it was not told to: what the cluster is like then is not known.
    #[error(
        "end the suite: it ran {spec:?} meanwhile, which it was not told to; look at the cluster before it is used again"
    )]
    Uninvited {
        /// What it ran.
        spec: String,
    },
    /// A process for several specs ended while it ran one.
    #[error(
        "run the suite: it ended with {status} and did not say what became of the spec; its output ends in\n{tail}"
    )]
    Died {
        /// How it ended.
        status: String,
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
    pub async fn run(&self, stop: &Stop) -> Result<Ended, InvokeError> {
        let file = |action| move |source| InvokeError::File { action, source };
        // Only for this user: the kubeconfig in it holds a private key.
        let folder = tempfile::Builder::new().prefix("kind-conformance-").tempdir().map_err(file("make a folder"))?;
        let (kubeconfig, report) = (folder.path().join("kubeconfig"), folder.path().join("report.json"));
        std::fs::write(&kubeconfig, self.kubeconfig).map_err(file("write the kubeconfig"))?;
        let output = File::create(self.log).map_err(file("make a log"))?;
        let errors = output.try_clone().map_err(file("make a log"))?;
        let start = Instant::now();
        let mut command = Command::new(&self.suite.program);
        command
            .args(self.arguments(&kubeconfig, &report, folder.path()))
            .env("KUBECONFIG", &kubeconfig)
            // Upstream's suite leaves a folder of its kubectl's in every process.
            .env("TMPDIR", folder.path())
            // It lives for seconds, and a third of its start would go into collecting garbage.
            .env("GOGC", "400")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .kill_on_drop(true);
        if stop.may_come() {
            // The terminal's Ctrl-C is for who stops it, not for the suite as well: twice means without cleaning up.
            command.process_group(0);
        }
        let start_error = |source| InvokeError::Start { program: self.suite.program.clone(), source };
        let mut suite = command.spawn().map_err(start_error)?;
        let by_itself = tokio::select! {
            ended = tokio::time::timeout(self.limit + GRACE, suite.wait()) => Some(ended),
            () = stop.asked() => None,
        };
        let took = start.elapsed();
        if by_itself.is_none() {
            end(&mut suite, stop).await.map_err(file("end the suite"))?;
        }
        let log = std::fs::read(self.log).map_err(file("read the log"))?;
        let log = String::from_utf8_lossy(&log).into_owned();
        let outcome = report::read(&report, self.upstream);
        let Some(ended) = by_itself else {
            return Ok(match outcome {
                Ok(outcome @ Outcome::Passed { .. }) => Ended::Ran(Ran { outcome, took, log }),
                _ => Ended::Stopped { log },
            });
        };
        let Ok(status) = ended else {
            suite.kill().await.map_err(file("kill the suite"))?;
            return Err(InvokeError::Hangs { limit: self.limit, tail: tail(&log) });
        };
        let status = status.map_err(file("wait for the suite"))?;
        match outcome {
            Ok(outcome) => Ok(Ended::Ran(Ran { outcome, took, log })),
            Err(source) => Err(InvokeError::NoReport { status: status.to_string(), tail: tail(&log), source }),
        }
    }

    fn arguments(&self, kubeconfig: &Path, report: &Path, folder: &Path) -> Vec<String> {
        let of_ginkgo = [
            format!("--ginkgo.focus={}", focus(self.upstream)),
            format!("--ginkgo.timeout={}s", self.limit.as_secs()),
            format!("--ginkgo.json-report={}", report.display()),
            "--ginkgo.no-color".to_owned(),
            "--ginkgo.v".to_owned(),
            "--ginkgo.silence-skips".to_owned(),
        ];
        self.suite.filled_in(kubeconfig, folder).chain(of_ginkgo).collect()
    }
}

/// Asks the suite to clean up and end, and kills it where that takes too long, for whoever stops it or for us.
pub(crate) async fn end(suite: &mut Child, stop: &Stop) -> io::Result<()> {
    interrupt(suite)?;
    tokio::select! {
        ended = tokio::time::timeout(GRACE, suite.wait()) => match ended {
            Ok(status) => status.map(drop),
            Err(_) => suite.kill().await,
        },
        () = stop.at_once() => suite.kill().await,
    }
}

/// Asks the suite to clean up and end.
pub(crate) fn interrupt(suite: &Child) -> io::Result<()> {
    if let Some(id) = suite.id().and_then(|id| i32::try_from(id).ok()) {
        // It was not waited for, so the number is still its own.
        kill(Pid::from_raw(id), Signal::SIGINT)?;
    }
    Ok(())
}

/// A regular expression that matches this spec and no other. Ginkgo matches it with the suite's name in front.
pub fn focus(upstream: &str) -> String {
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

pub(crate) fn tail(log: &str) -> String {
    const LINES: usize = 20;
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Stopper;

    #[test]
    fn a_focus_is_the_whole_name_and_nothing_of_it_is_a_pattern() {
        assert_eq!(focus("[sig-a] X.y  (z)"), r" +\[sig\-a\] +X\.y +\(z\) *$");
    }

    /// A suite that is a script, in a folder of its own.
    struct Fake {
        folder: tempfile::TempDir,
        limit: Duration,
    }

    impl Fake {
        fn new(text: &str) -> Self {
            use std::os::unix::fs::PermissionsExt as _;
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("suite");
            std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            Self { folder, limit: Duration::from_secs(5) }
        }

        async fn run(&self, stop: &Stop) -> Result<Ended, InvokeError> {
            let (program, log) = (self.folder.path().join("suite"), self.folder.path().join("log"));
            let suite = Suite::new(program).argument("--config={kubeconfig}").argument("--plain");
            let invocation = Invocation {
                suite: &suite,
                kubeconfig: "a cluster",
                upstream: "[sig-a] b",
                limit: self.limit,
                log: &log,
            };
            invocation.run(stop).await
        }

        /// Waits until the script has printed something.
        async fn printed(&self) {
            while std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default().is_empty() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Writes the report that it is told to, with this spec in it.
    const REPORT: &str = r#"for a in "$@"; do case $a in --ginkgo.json-report=*) r=${a#*=};; esac; done
report() { echo '[{"SpecReports":[{"LeafNodeType":"It","ContainerHierarchyTexts":["[sig-a]"],"LeafNodeText":"b","State":"'$1'","RunTime":7}]}]' >"$r"; }"#;

    #[tokio::test]
    async fn a_suite_that_dies_is_quoted() {
        let error = Fake::new("echo no such flag; exit 2").run(&Stop::never()).await.unwrap_err().to_string();
        assert!(error.contains("exit status: 2") && error.ends_with("no such flag"), "{error}");
    }

    #[tokio::test]
    async fn a_missing_suite_is_named() {
        let fake = Fake::new("");
        let program = fake.folder.path().join("suite");
        std::fs::remove_file(&program).unwrap();
        let error = fake.run(&Stop::never()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("start {}", program.display()));
    }

    #[tokio::test]
    async fn what_the_report_says_counts() {
        let ended = Fake::new(&format!("{REPORT}\nreport passed; exit 1")).run(&Stop::never()).await.unwrap();
        let Ended::Ran(ran) = ended else { panic!("{ended:?}") };
        assert_eq!(ran.outcome, Outcome::Passed { took: Duration::from_nanos(7) });
    }

    #[tokio::test]
    async fn a_suite_is_told_where_its_cluster_is() {
        let fake = Fake::new(
            r#"[ "$TMPDIR" = "$(dirname "$KUBECONFIG")" ] && echo "$1 $2 $(cat "${1#--config=}") $(cat "$KUBECONFIG")"; exit 1"#,
        );
        let error = fake.run(&Stop::never()).await.unwrap_err().to_string();
        let said = error.lines().last().unwrap();
        assert!(said.starts_with("--config=/") && said.ends_with("/kubeconfig --plain a cluster a cluster"), "{said}");
    }

    #[tokio::test]
    async fn a_suite_that_is_stopped_is_asked_first() {
        let stopper = Stopper::default();
        let fake = Fake::new(&format!(
            "{REPORT}\ntrap 'echo cleaned up; report interrupted; exit 1' INT\necho begun; while :; do sleep 0.01; done"
        ));
        let (stop, ask) = (stopper.stop(), async {
            fake.printed().await;
            stopper.ask();
        });
        let (ended, ()) = tokio::join!(fake.run(&stop), ask);
        let Ok(Ended::Stopped { log }) = ended else { panic!("{ended:?}") };
        assert_eq!(log, "begun\ncleaned up\n");
    }

    #[tokio::test]
    async fn a_suite_that_is_stopped_twice_is_killed() {
        let stopper = Stopper::default();
        let fake = Fake::new("trap '' INT; echo begun; while :; do sleep 0.01; done");
        let (stop, ask) = (stopper.stop(), async {
            fake.printed().await;
            stopper.ask();
            tokio::task::yield_now().await;
            stopper.ask();
        });
        let (ended, ()) = tokio::join!(fake.run(&stop), ask);
        assert!(matches!(ended, Ok(Ended::Stopped { .. })), "{ended:?}");
    }

    #[tokio::test]
    async fn a_spec_that_passes_while_it_is_stopped_has_passed() {
        let stopper = Stopper::default();
        let fake =
            Fake::new(&format!("{REPORT}\ntrap 'report passed; exit 0' INT\necho begun; while :; do sleep 0.01; done"));
        let (stop, ask) = (stopper.stop(), async {
            fake.printed().await;
            stopper.ask();
        });
        let (ended, ()) = tokio::join!(fake.run(&stop), ask);
        assert!(matches!(ended, Ok(Ended::Ran(_))), "{ended:?}");
    }
}
