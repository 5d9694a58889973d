//! The container engine of this machine: connecting to it, and starting it where it does not run.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use kind_engine::{DockerEngine, EngineError};
use nix::unistd::Uid;

use crate::{
    context::Context,
    interrupt::Interrupted,
    process::{ProcessError, Tool, detach, has_program, output},
    wait::{self, Look, TimedOut},
};

/// How long an engine may take from its start to its first answer; a cold one checks its storage.
const START_LIMIT: Duration = Duration::from_secs(90);
/// How long an engine that somebody else started may take.
const OTHER_START_LIMIT: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(200);

/// No engine, and none could be started.
#[derive(Debug, thiserror::Error)]
pub enum EngineStartError {
    /// This user may not start it.
    #[error("start the container engine: root is needed; run `sudo systemctl start docker`, or this command as root")]
    NotRoot,
    /// It is there, or somebody says where it is, but it cannot be used.
    #[error("use the container engine")]
    Unusable(#[source] EngineError),
    /// It could not be started.
    #[error("start the container engine")]
    Start(#[from] ProcessError),
    /// It does not answer.
    #[error("start the container engine; its log: {log}")]
    Silent {
        /// Where its log is.
        log: String,
        /// How long we waited.
        #[source]
        source: TimedOut,
    },
    /// It ended again.
    #[error("start the container engine: `dockerd` ended at once; its log: {log}{tail}")]
    Ended {
        /// Where its log is.
        log: String,
        /// The last lines of it.
        tail: String,
    },
    /// Its process id could not be written down.
    #[error("write {}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The user stopped us.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Connects to the engine that the settings name.
///
/// # Errors
/// When none answers or this user may not use it.
pub async fn connect(ctx: &Context) -> Result<DockerEngine, EngineError> {
    DockerEngine::find(&ctx.settings.engine).await
}

/// Connects to the engine, starting this machine's where none answers.
pub(super) async fn connect_or_start(ctx: &Context) -> Result<DockerEngine, EngineStartError> {
    let error = match connect(ctx).await {
        Ok(engine) => return Ok(engine),
        Err(error) => error,
    };
    // One that is named is not ours to start.
    if !matches!(error, EngineError::Absent { .. }) {
        return Err(EngineStartError::Unusable(error));
    }
    if !Uid::effective().is_root() {
        return Err(EngineStartError::NotRoot);
    }
    start(ctx).await
}

/// An engine that was started and may not answer yet.
struct Started {
    /// Where its log is.
    log: String,
    /// Its process, where we started it ourselves.
    process: Option<u32>,
}

async fn start(ctx: &Context) -> Result<DockerEngine, EngineStartError> {
    let by_systemd = Path::new("/run/systemd/system").is_dir() && has_program(&ctx.settings.path, "systemctl");
    let started = if by_systemd {
        ctx.ui.line("no engine answers: starting the service `docker`");
        output(&Tool::new("systemctl").args(["start", "docker"])).await?;
        Started { log: "`journalctl --unit docker`".to_owned(), process: None }
    } else {
        start_private(ctx)?
    };
    let step = ctx.ui.step("wait for the container engine");
    let engine = answer_of(ctx, &started).await?;
    step.done();
    Ok(engine)
}

/// Starts an engine that outlives us: the next command finds it running, and it ends with the machine.
fn start_private(ctx: &Context) -> Result<Started, EngineStartError> {
    let folder = &ctx.settings.state_dir;
    let log = folder.join("dockerd.log");
    let record = folder.join("dockerd.pid");
    // Its own pid file stays at the usual place: that is what keeps it from starting twice on one data folder.
    let process = detach(&Tool::new("dockerd"), &log)?;
    fs::write(&record, format!("{process}\n")).map_err(|source| EngineStartError::Record { path: record, source })?;
    let log = log.display().to_string();
    ctx.ui.line("no engine answers and no service manager runs: starting a `dockerd` of our own");
    ctx.ui.line(&format!("it stays for the next command; its log is {log}, and `kill {process}` ends it"));
    Ok(Started { log, process: Some(process) })
}

async fn answer_of(ctx: &Context, started: &Started) -> Result<DockerEngine, EngineStartError> {
    let look = async || match connect(ctx).await {
        Ok(engine) => Look::Done(Some(engine)),
        Err(_) if started.process.is_some_and(has_ended) => Look::Done(None),
        Err(error) => Look::NotYet(error.to_string()),
    };
    let wait = wait::until("an answer of the container engine", LOOK, START_LIMIT, look);
    let log = || started.log.clone();
    let answer = ctx.interrupt.unless(wait).await?.map_err(|source| EngineStartError::Silent { log: log(), source })?;
    if let Some(engine) = answer {
        return Ok(engine);
    }
    // Perhaps because another one is just starting, from the package's own script.
    let look = async || connect(ctx).await.map_or_else(|error| Look::NotYet(error.to_string()), Look::Done);
    let other = wait::until("an answer of another container engine", LOOK, OTHER_START_LIMIT, look);
    let ended = |_| EngineStartError::Ended { tail: last_lines(Path::new(&log())), log: log() };
    ctx.interrupt.unless(other).await?.map_err(ended)
}

/// Whether a child of ours has ended; nobody has taken note of it, so it may still be listed.
fn has_ended(process: u32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{process}/stat")) else { return true };
    status.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].iter().fold(String::new(), |text, line| text + "\n    " + line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_not_ended_and_an_impossible_one_has() {
        assert!(!has_ended(std::process::id()));
        assert!(has_ended(u32::MAX));
    }
}
