//! One run's test processes, started as nextest starts them: each on its own, so many at a time.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::process::Command;

use super::programs::Programs;

/// A state folder and a run in it. The run is over when this program ends.
pub(crate) struct Scene {
    programs: Programs,
    folder: PathBuf,
    run: String,
}

/// What one process said.
#[derive(Debug)]
pub(crate) struct Said {
    started: Duration,
    printed: String,
}

impl Scene {
    pub(crate) fn new(programs: &Programs, folder: &Path, run: &str) -> anyhow::Result<Self> {
        for name in ["state", "temporary"] {
            std::fs::create_dir_all(folder.join(name)).context("make a folder")?;
        }
        let run = format!("bench-{}-{run}", std::process::id());
        Ok(Self { programs: programs.clone(), folder: folder.to_owned(), run })
    }

    /// A process of this run.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("NEXTEST_RUN_ID", &self.run)
            .env("KIND_TEST_REQUIRE", "1")
            .env("KIND_TEST_KEEP", "never")
            .env("KIND_TEST_STATE_DIR", self.folder.join("state"))
            .env("TMPDIR", self.folder.join("temporary"))
            .env("ARTIFACTS", self.folder.join("artifacts"))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// One test of `tests/attach.rs`.
    pub(crate) fn test(&self, name: &str) -> Command {
        let mut command = self.command(&self.programs.tests);
        command.args(["--exact", name, "--nocapture"]).env("NEXTEST_TEST_NAME", name);
        command
    }

    /// One process of `tests/lease.rs`.
    pub(crate) fn lease(&self, mode: &str) -> Command {
        let mut command = self.command(&self.programs.lease);
        command.arg(mode);
        command
    }

    /// The kubeconfig of the cluster, which is made where it is not there yet.
    pub(crate) async fn kubeconfig(&self) -> anyhow::Result<PathBuf> {
        let said = said(self.lease("kubeconfig")).await?;
        let file = self.folder.join("kubeconfig");
        std::fs::write(&file, said.printed).context("write the kubeconfig")?;
        Ok(file)
    }
}

/// Runs a process to its end.
async fn said(mut command: Command) -> anyhow::Result<Said> {
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let output = command.output().await.context("start a test process")?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("run a test process: {}\n{printed}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(Said { started, printed })
}

/// Runs so many processes, so many at a time. Returns what each said and how long it took all in all.
pub(crate) async fn all(
    count: usize,
    at_once: usize,
    command: impl Fn() -> Command,
) -> anyhow::Result<(Vec<Said>, Duration)> {
    let start = Instant::now();
    let all = stream::iter((0..count).map(|_| said(command()))).buffer_unordered(at_once).try_collect().await?;
    Ok((all, start.elapsed()))
}

impl Said {
    /// The number that follows some words at the beginning of a line, as nanoseconds.
    pub(crate) fn time(&self, words: &str) -> anyhow::Result<Duration> {
        let mut lines = self.printed.lines();
        let number = lines.find_map(|line| line.strip_prefix(words)?.trim().parse().ok());
        number.map(Duration::from_nanos).with_context(|| format!("run a test process: it did not say {words:?}"))
    }

    /// How long after the start of its process it was that time.
    pub(crate) fn after_start(&self, words: &str) -> anyhow::Result<Duration> {
        Ok(self.time(words)?.saturating_sub(self.started))
    }
}
