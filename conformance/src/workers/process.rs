//! One process of the suite that is told what to run.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::protocol::{Index, Line, Said, Server};
use crate::{
    invoke::{Ended, GRACE, InvokeError, Ran, end, interrupt, tail},
    log,
    report::{Outcome, Report, outcome},
    stop::Stop,
    suite::Suite,
};

/// The same for all processes, or they would count differently.
pub(super) const SEED: &str = "--ginkgo.seed=1";
/// There is a limit to each spec, which is ours.
const NO_LIMIT: &str = "--ginkgo.timeout=240h";

/// Which process of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    /// The first one sets the suite up for all of them.
    pub(super) number: u32,
    pub(super) of: u32,
}

/// What a process runs in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) suite: &'a Suite,
    pub(super) kubeconfig: &'a str,
    /// The file that gets what it prints beside its reports.
    pub(super) log: &'a Path,
    /// Only specs whose names match; else all that are asked for.
    pub(super) focus: Option<&'a str>,
    /// Whether a terminal's signals are kept from it.
    pub(super) own_group: bool,
}

/// A process of the suite. It is killed where it is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    line: Line,
    log: PathBuf,
    /// What became of the suite's set-up.
    before: Vec<Report>,
    is_idle: bool,
    /// Its files, the kubeconfig with a private key among them.
    _folder: TempDir,
}

/// One spec for a process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) upstream: &'a str,
    pub(super) limit: Duration,
    /// The file that gets what the spec says.
    pub(super) log: &'a Path,
}

/// An error of what was tried, as a verb.
fn file(action: &'static str) -> impl FnOnce(io::Error) -> InvokeError {
    move |source| InvokeError::File { action, source }
}

impl Process {
    pub(super) fn start(server: &Server, share: Share, place: &Place<'_>) -> Result<Self, InvokeError> {
        let folder = tempfile::Builder::new().prefix("kind-conformance-").tempdir().map_err(file("make a folder"))?;
        let kubeconfig = folder.path().join("kubeconfig");
        fs::write(&kubeconfig, place.kubeconfig).map_err(file("write the kubeconfig"))?;
        let output = File::create(place.log).map_err(file("make a log"))?;
        let errors = output.try_clone().map_err(file("make a log"))?;
        let line = server.line(share.number);
        let mut command = Command::new(&place.suite.program);
        command
            .args(place.suite.filled_in(&kubeconfig, folder.path()))
            .args([SEED, NO_LIMIT, "--ginkgo.no-color", "--ginkgo.v", "--ginkgo.silence-skips"])
            .args(place.focus.map(|focus| format!("--ginkgo.focus={focus}")))
            .arg(format!("--ginkgo.parallel.process={}", share.number))
            .arg(format!("--ginkgo.parallel.total={}", share.of))
            .arg(format!("--ginkgo.parallel.host={}", server.host(share.number)))
            .env("GINKGO_PARALLEL_PROTOCOL", "HTTP")
            .env("KUBECONFIG", &kubeconfig)
            .env("TMPDIR", folder.path())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .kill_on_drop(true);
        if place.own_group {
            command.process_group(0);
        }
        let start_error = |source| InvokeError::Start { program: place.suite.program.clone(), source };
        let child = command.spawn().map_err(start_error)?;
        let log = place.log.to_owned();
        Ok(Self { child, line, log, before: Vec::new(), is_idle: false, _folder: folder })
    }

    /// What it says next; `None` when it has ended and said everything.
    pub(super) async fn hear(&mut self) -> Option<Said> {
        tokio::select! {
            biased;
            said = self.line.said.recv() => said,
            // What it said before it ended is still there.
            _ = self.child.wait() => self.line.said.try_recv().ok(),
        }
    }

    /// What it runs next.
    pub(super) fn run(&self, group: Index) {
        self.line.run(group);
    }

    /// Runs one spec, of that group. A process that is not idle afterwards has ended.
    pub(super) async fn perform(&mut self, group: Index, task: Task<'_>, stop: &Stop) -> Result<Ended, InvokeError> {
        let start = Instant::now();
        let mut ran: Vec<Report> = Vec::new();
        let mut was_told = false;
        let mut limit = task.limit;
        let mut is_late = false;
        loop {
            if self.is_idle && !was_told {
                self.is_idle = false;
                was_told = true;
                self.line.run(group);
            }
            let said = tokio::select! {
                said = tokio::time::timeout(limit.saturating_sub(start.elapsed()), self.hear()) => said,
                () = stop.asked() => return self.stop(task, ran, start, stop).await,
            };
            let Ok(said) = said else {
                if is_late {
                    self.kill().await?;
                    return Err(InvokeError::Hangs { limit: task.limit, tail: self.tail() });
                }
                // It says what it was at, cleans up, and ends.
                interrupt(&self.child).map_err(file("interrupt the suite"))?;
                limit += GRACE;
                is_late = true;
                continue;
            };
            match said {
                Some(Said::Ran(report)) if was_told => ran.push(*report),
                Some(Said::Ran(report)) => self.before.push(*report),
                Some(Said::Unreadable(why)) => return Err(self.died(Some(why)).await),
                Some(Said::Idle) => {
                    self.is_idle = true;
                    if was_told {
                        break;
                    }
                }
                None => break,
            }
        }
        if is_late {
            // Interrupted, it has cleaned up, and is of no use whatever it said meanwhile.
            self.kill().await?;
            self.is_idle = false;
        }
        let log = self.write(&task, &ran)?;
        let outcome = match outcome(self.before.iter().chain(&ran).cloned(), task.upstream) {
            Outcome::Failed(failure) if is_late => Outcome::Failed(failure.of_limit(task.limit)),
            outcome => outcome,
        };
        if outcome == Outcome::Unknown && !self.is_idle {
            return Err(self.died(None).await);
        }
        Ok(Ended::Ran(Ran { outcome, took: start.elapsed(), log }))
    }

    /// Ends it in the middle of a spec, or before it.
    pub(super) async fn stop(
        &mut self,
        task: Task<'_>,
        mut ran: Vec<Report>,
        start: Instant,
        stop: &Stop,
    ) -> Result<Ended, InvokeError> {
        end(&mut self.child, stop).await.map_err(file("end the suite"))?;
        while let Some(said) = self.hear().await {
            if let Said::Ran(report) = said {
                ran.push(*report);
            }
        }
        let outcome = outcome(ran.iter().cloned(), task.upstream);
        let log = self.write(&task, &ran)?;
        Ok(match outcome {
            Outcome::Passed { .. } => Ended::Ran(Ran { outcome, took: start.elapsed(), log }),
            _ => Ended::Stopped { log },
        })
    }

    /// Whether it has not ended.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Whether it ends, and well. One that does not is killed.
    pub(super) async fn succeeds(&mut self) -> bool {
        if let Ok(ended) = tokio::time::timeout(GRACE, self.child.wait()).await {
            return ended.is_ok_and(|status| status.success());
        }
        // That it cannot be killed shows when its end is waited for.
        let _ = self.kill().await;
        false
    }

    /// Whether it waits for another spec.
    pub(super) fn is_idle(&self) -> bool {
        self.is_idle
    }

    /// Tells it that there is no other, and sees it end.
    pub(super) async fn end(mut self) -> Result<(), InvokeError> {
        self.line.end();
        let mut uninvited = None;
        let ended = tokio::time::timeout(GRACE, async {
            while let Some(said) = self.hear().await {
                if let Said::Ran(report) = said
                    && report.is_spec()
                    && report.state != "skipped"
                {
                    uninvited.get_or_insert(report.name());
                }
            }
        });
        if ended.await.is_err() {
            self.kill().await?;
        }
        uninvited.map_or(Ok(()), |spec| Err(InvokeError::Uninvited { spec }))
    }

    pub(super) async fn kill(&mut self) -> Result<(), InvokeError> {
        self.child.kill().await.map_err(file("kill the suite"))
    }

    /// The last lines that it printed.
    pub(super) fn tail(&self) -> String {
        tail(&self.printed())
    }

    /// The error of a process that ended, or that nobody understands, with its last words.
    pub(super) async fn died(&mut self, unreadable: Option<String>) -> InvokeError {
        let status = match unreadable {
            Some(why) => {
                // It may go on for long.
                let _ = self.kill().await;
                format!("a report that is none of ginkgo's ({why})")
            }
            None => {
                self.child.wait().await.map_or_else(|error| error.to_string(), |status: ExitStatus| status.to_string())
            }
        };
        InvokeError::Died { status, tail: self.tail() }
    }

    fn printed(&self) -> String {
        fs::read(&self.log).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// Writes what was said of a spec, in the form of ginkgo's own output.
    fn write(&self, task: &Task<'_>, ran: &[Report]) -> Result<String, InvokeError> {
        // It names the run that the suite's namespaces belong to.
        let head = log::head(&self.printed());
        let text = ran.iter().fold(head, |text, report| text + &report.transcript());
        fs::write(task.log, &text).map_err(file("write a log"))?;
        Ok(text)
    }
}
