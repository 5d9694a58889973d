//! Running a [`Tool`]: shown to the user, behind a progress line with its output in a log file, or for its output.

use std::{
    fs,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{io::AsyncReadExt, process::Child};

use super::{Tool, WhenInterrupted};
use crate::{context::Context, interrupt::Interrupted, ui::Step, wait};

/// How long an interrupted program may take to end: a test runner gives its tests some seconds.
const GRACE: Duration = Duration::from_secs(40);
/// How often the last line of a program's log is shown.
const LOOK: Duration = Duration::from_millis(500);
/// How much of a failed program's output is repeated.
const TAIL_LINES: usize = 25;

/// A program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("start `{line}`: is the program installed and executable?")]
    Start {
        /// The command line.
        line: String,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// It ended with an error.
    #[error("run `{line}`: {status}{}", shown_tail(tail, log.as_deref()))]
    Failed {
        /// The command line.
        line: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its output, where it was not shown already.
        tail: String,
        /// All of its output.
        log: Option<PathBuf>,
    },
    /// Its log file could not be written.
    #[error("write {}", path.display())]
    Log {
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

fn shown_tail(tail: &str, log: Option<&Path>) -> String {
    let tail = tail.lines().fold(String::new(), |text, line| text + "\n    " + line);
    log.map_or(tail.clone(), |log| format!("{tail}\n    (all of it: {})", log.display()))
}

/// Runs a program whose output the user sees as it comes.
///
/// # Errors
/// When it cannot be started, fails, or the user stops us.
pub async fn run_shown(ctx: &Context, tool: &Tool) -> Result<(), ProcessError> {
    ctx.interrupt.check()?;
    let status = supervise(ctx, tool, start(tool, &mut tool.command())?).await?;
    ended(tool, status, String::new(), None)
}

/// Runs a program whose messages (standard error) the user sees as they come, and returns its standard output.
///
/// # Errors
/// When it cannot be started, fails, or the user stops us.
pub async fn output_shown(ctx: &Context, tool: &Tool) -> Result<String, ProcessError> {
    ctx.interrupt.check()?;
    let mut child = start(tool, tool.command().stdout(Stdio::piped()))?;
    let mut pipe = child.stdout.take();
    let mut printed = Vec::new();
    let read = async {
        match &mut pipe {
            Some(pipe) => pipe.read_to_end(&mut printed).await.map(drop),
            None => Ok(()),
        }
    };
    let (read, status) = tokio::join!(read, supervise(ctx, tool, child));
    ended(tool, status?, String::new(), None)?;
    read.map_err(|source| cannot_start(tool, source))?;
    Ok(String::from_utf8_lossy(&printed).into_owned())
}

/// Runs a program behind a progress line called `name`; its output goes to a log file and is repeated where it fails.
///
/// # Errors
/// When it cannot be started, fails, or the user stops us.
pub async fn run_logged(ctx: &Context, name: &str, tool: &Tool) -> Result<(), ProcessError> {
    ctx.interrupt.check()?;
    let log = log_of(ctx, name);
    let failed = |source| ProcessError::Log { path: log.clone(), source };
    let output = create(&log).map_err(failed)?;
    let errors = output.try_clone().map_err(failed)?;
    let step = ctx.ui.step(name);
    let child = start(tool, tool.command().stdout(output).stderr(errors))?;
    let status = tokio::select! {
        status = supervise(ctx, tool, child) => status?,
        () = show_log(&step, &log) => unreachable!("a log is shown until its program ends"),
    };
    ended(tool, status, last_lines(&log), Some(&log))?;
    step.done();
    Ok(())
}

/// The log file of a program that ran behind a progress line of that name.
pub fn log_of(ctx: &Context, name: &str) -> PathBuf {
    ctx.workspace.logs().join(format!("{}.log", file_name(name)))
}

/// Runs a short program and returns what it printed on standard output.
///
/// # Errors
/// When it cannot be started or fails.
pub async fn output(tool: &Tool) -> Result<String, ProcessError> {
    let mut command = tool.command();
    let child = start(tool, command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true))?;
    let output = child.wait_with_output().await.map_err(|source| cannot_start(tool, source))?;
    ended(tool, output.status, String::from_utf8_lossy(&output.stderr).into_owned(), None)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Starts a program that outlives us, in a session of its own, with its output in `log`; returns its process id.
///
/// # Errors
/// When it cannot be started or the log cannot be written.
pub fn detach(tool: &Tool, log: &Path) -> Result<u32, ProcessError> {
    let failed = |source| ProcessError::Log { path: log.to_owned(), source };
    let output = create(log).map_err(failed)?;
    let errors = output.try_clone().map_err(failed)?;
    // `setsid` forks where it leads a group, and then the id would not be the program's: so no group of its own here.
    let session = Tool::new("setsid").arg(&tool.program).args(&tool.arguments);
    let child = start(tool, session.command_in_our_group().stdout(output).stderr(errors))?;
    Ok(child.id().unwrap_or_default())
}

pub(super) fn start(tool: &Tool, command: &mut tokio::process::Command) -> Result<Child, ProcessError> {
    command.spawn().map_err(|source| cannot_start(tool, source))
}

fn cannot_start(tool: &Tool, source: io::Error) -> ProcessError {
    ProcessError::Start { line: tool.to_line(), source }
}

fn ended(tool: &Tool, status: ExitStatus, tail: String, log: Option<&Path>) -> Result<(), ProcessError> {
    if status.success() {
        return Ok(());
    }
    Err(ProcessError::Failed { line: tool.to_line(), status, tail, log: log.map(Path::to_owned) })
}

/// Waits for a program. Where the user stops us, the program ends first; then that is the error.
async fn supervise(ctx: &Context, tool: &Tool, mut child: Child) -> Result<ExitStatus, ProcessError> {
    let failed = |source| cannot_start(tool, source);
    let group = child.id();
    tokio::select! {
        status = child.wait() => return status.map_err(failed),
        () = ctx.interrupt.requested(1) => {}
    }
    let mut patience = None;
    match tool.when_interrupted {
        WhenInterrupted::End => {
            signal_group(group, Signal::SIGINT);
            patience = Some(GRACE);
        }
        WhenInterrupted::Finish => {
            ctx.ui.line(&format!("`{}` is finishing first; interrupt again to kill it", tool.to_line()));
        }
    }
    tokio::select! {
        _ = child.wait() => {}
        () = ctx.interrupt.requested(2) => {}
        () = async { match patience { Some(grace) => wait::limit(grace).await, None => std::future::pending().await } } => {}
    }
    // Also what the program left behind in its group.
    signal_group(group, Signal::SIGKILL);
    child.wait().await.map_err(failed)?;
    Err(Interrupted.into())
}

pub(super) fn signal_group(leader: Option<u32>, signal: Signal) {
    let Some(leader) = leader.and_then(|id| i32::try_from(id).ok()) else { return };
    // A group that has ended already is what we want.
    let _ = killpg(Pid::from_raw(leader), signal);
}

async fn show_log(step: &Step, log: &Path) {
    wait::tick(LOOK, || step.detail(&end_of(log, 400))).await;
}

fn last_lines(log: &Path) -> String {
    let text = end_of(log, 8000);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// The last bytes of a file as text; empty where it cannot be read, which costs no more than a detail.
fn end_of(file: &Path, bytes: i64) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = fs::File::open(file)?;
        if file.seek(SeekFrom::End(-bytes)).is_err() {
            file.seek(SeekFrom::Start(0))?;
        }
        let mut end = Vec::new();
        file.read_to_end(&mut end)?;
        Ok(end)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

pub(super) fn create(log: &Path) -> io::Result<fs::File> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::File::create(log)
}

fn file_name(step: &str) -> String {
    step.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}
