//! Running a command in a node as if it ran here: its streams are this program's, signals reach it, and it has the
//! terminal where there is one.

use std::{io, os::fd::AsFd};

use kind_engine::{Command, Engine, EngineError, Streams};
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncWriteExt as _},
};

use crate::{
    exit,
    failure::Failure,
    signals::Signals,
    terminal::{self, Lent},
    unique::unique,
};

/// Marks the command's processes, so that they can be found again.
const MARK: &str = "KIND_RS_COMMAND";

/// Sends the signal `$2` to every process that has `$1` in its environment: the engine itself passes no signals on.
const PASS_ON: &str = r#"
for process in /proc/[0-9]*; do
  tr '\0' '\n' <"$process/environ" | grep -qxF "$1" && kill -s "$2" "${process#/proc/}"
done 2>/dev/null
exit 0"#;

/// Whether a command reads what this program is given to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// It does.
    All,
    /// Only a terminal. Anything else is somebody else's to read, such as the list of a loop that this command is in.
    Terminal,
    /// It does not, and needs no terminal either.
    Nothing,
}

/// Runs the command to its end and returns its exit code.
pub(crate) async fn run(engine: &dyn Engine, container: &str, command: Command, reads: Reads) -> Result<u8, Failure> {
    let mark = unique();
    let command = command.env(MARK, &mark);
    let mut signals = Signals::new().map_err(Failure::Runtime)?;
    let (lent, sizes) = if reads != Reads::Nothing && terminal::is_whole() {
        let sizes = terminal::sizes()?;
        (Some(Lent::new()?), Some(sizes))
    } else {
        (None, None)
    };
    let attached = lent.is_some() || reads == Reads::All;
    let (mut stdin, mut stdout, mut stderr) = (own(io::stdin())?, own(io::stdout())?, own(io::stderr())?);
    let stdin: Option<&mut (dyn AsyncRead + Send + Unpin)> = if attached { Some(&mut stdin) } else { None };
    let streams = Streams { stdin, stdout: &mut stdout, stderr: &mut stderr, terminal: sizes };
    let ended = {
        let running = engine.exec_streaming(container, &command, streams);
        tokio::pin!(running);
        let mut asked = false;
        loop {
            tokio::select! {
                ended = &mut running => break ended,
                signal = signals.next() => {
                    // Who asks a second time does not want to wait for the first one.
                    let name = if asked { "KILL" } else { signal.name() };
                    pass_on(engine, container, &mark, name).await;
                    asked = true;
                }
            }
        }
    };
    if ended.is_err() {
        pass_on(engine, container, &mark, "TERM").await;
    }
    let flushed = stdout.flush().await;
    if let Some(lent) = lent {
        lent.give_back()?;
    }
    match ended {
        Ok(code) => flushed.map(|()| u8::try_from(code).unwrap_or(exit::FAILURE)).map_err(Failure::Output),
        // The reader has seen enough, as in `kind-rs kubectl demo get events | head -1`.
        Err(EngineError::File { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => Ok(exit::SUCCESS),
        Err(error) => Err(error.into()),
    }
}

/// One of this program's streams, read and written by threads of its own.
fn own(stream: impl AsFd) -> Result<File, Failure> {
    let owned = stream.as_fd().try_clone_to_owned().map_err(Failure::Terminal)?;
    Ok(File::from_std(owned.into()))
}

async fn pass_on(engine: &dyn Engine, container: &str, mark: &str, signal: &str) {
    let wanted = format!("{MARK}={mark}");
    let command = Command::new(["sh", "-c", PASS_ON, "sh", &wanted, signal]);
    if let Err(error) = engine.exec(container, &command).await {
        tracing::warn!("pass SIG{signal} on to the command in {container}: {error}");
    }
}
