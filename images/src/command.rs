//! Programs on the building machine: the only place that starts any.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Mutex,
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::Command,
};

/// How many of the last lines a failure carries.
const TAIL: usize = 20;

/// A program to run, its arguments as a vector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HostCommand {
    /// The program, looked up on the path.
    pub(crate) program: String,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// Environment variables on top of this process's own.
    pub(crate) environment: Vec<(String, String)>,
    /// Where it runs.
    pub(crate) folder: PathBuf,
}

impl HostCommand {
    /// A program that runs in `folder`.
    pub(crate) fn new(program: &str, folder: &Path) -> Self {
        Self { program: program.to_owned(), folder: folder.to_owned(), ..Self::default() }
    }

    /// Adds arguments.
    pub(crate) fn args<S: Into<String>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Program and arguments, for people to read.
    pub(crate) fn display(&self) -> String {
        std::iter::once(&self.program).chain(&self.arguments).cloned().collect::<Vec<_>>().join(" ")
    }
}

/// Told of every line that a program prints.
pub(crate) type OnLine<'a> = &'a (dyn for<'line> Fn(&'line str) + Send + Sync);

/// Why a program did not do its work.
#[derive(Debug)]
pub(crate) enum CommandFailure {
    /// There is no such program.
    Missing,
    /// It could not be started or listened to.
    Broken(std::io::Error),
    /// It ended with an error.
    Failed {
        /// Exit code or signal.
        outcome: String,
        /// The last lines that it printed.
        tail: String,
    },
}

/// Runs programs. A trait, so that tests can stand in for compilers.
#[async_trait]
pub(crate) trait Runner: Send + Sync {
    /// Runs it to its end and returns its standard output. Both streams go to `log`, and line by line to `on_line`.
    async fn run(&self, command: &HostCommand, log: &Path, on_line: OnLine<'_>) -> Result<String, CommandFailure>;
}

/// The programs of this machine.
pub(crate) struct Host;

#[async_trait]
impl Runner for Host {
    async fn run(&self, command: &HostCommand, log: &Path, on_line: OnLine<'_>) -> Result<String, CommandFailure> {
        let mut file = File::options().create(true).append(true).open(log).map_err(CommandFailure::Broken)?;
        writeln!(file, "$ {}", command.display()).map_err(CommandFailure::Broken)?;
        let mut child = Command::new(&command.program)
            .args(&command.arguments)
            .envs(command.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&command.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => CommandFailure::Missing,
                _ => CommandFailure::Broken(error),
            })?;
        let printed = Mutex::new(Printed { file, lines: Vec::new() });
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (stdout, _) = tokio::try_join!(listen(stdout, &printed, on_line), listen(stderr, &printed, on_line))
            .map_err(CommandFailure::Broken)?;
        let status = child.wait().await.map_err(CommandFailure::Broken)?;
        if status.success() {
            return Ok(stdout);
        }
        let lines = printed.into_inner().map(|printed| printed.lines).unwrap_or_default();
        let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        Err(CommandFailure::Failed { outcome: status.to_string(), tail })
    }
}

/// Where the lines of both streams meet.
struct Printed {
    file: File,
    lines: Vec<String>,
}

/// Reads a stream to its end and returns it.
async fn listen(
    stream: Option<impl AsyncRead + Unpin>,
    printed: &Mutex<Printed>,
    on_line: OnLine<'_>,
) -> std::io::Result<String> {
    let Some(stream) = stream else { return Ok(String::new()) };
    let (mut reader, mut all, mut line) = (BufReader::new(stream), String::new(), Vec::new());
    while reader.read_until(b'\n', &mut line).await? > 0 {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        on_line(&text);
        all += &text;
        all.push('\n');
        if let Ok(mut printed) = printed.lock() {
            writeln!(printed.file, "{text}")?;
            printed.lines.push(text);
            // Only the tail is ever asked for.
            if printed.lines.len() > 4 * TAIL {
                printed.lines.drain(..2 * TAIL);
            }
        }
        line.clear();
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failure_carries_the_last_lines_and_the_log_all() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let command = HostCommand::new("sh", folder.path()).args(["-c", "seq 100; echo gone wrong; exit 3"]);
        let seen = Mutex::new(0);
        let failure = Host.run(&command, &log, &|_| *seen.lock().unwrap() += 1).await.unwrap_err();
        let CommandFailure::Failed { outcome, tail } = failure else { panic!("{failure:?}") };
        assert_eq!(outcome, "exit status: 3");
        assert_eq!(tail.lines().count(), TAIL);
        assert!(tail.contains("gone wrong"), "{tail}");
        assert_eq!(*seen.lock().unwrap(), 101);
        assert_eq!(std::fs::read_to_string(log).unwrap().lines().count(), 102);
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told_from_one_that_fails() {
        let folder = tempfile::tempdir().unwrap();
        let command = HostCommand::new("no-such-program-here", folder.path());
        let failure = Host.run(&command, &folder.path().join("log"), &|_| ()).await.unwrap_err();
        assert!(matches!(failure, CommandFailure::Missing), "{failure:?}");
    }
}
