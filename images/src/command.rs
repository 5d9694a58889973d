//! Programs on the building machine: the only place that starts any.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    pin::pin,
    process::{ExitStatus, Stdio},
    sync::Mutex,
    time::Duration,
};

use async_trait::async_trait;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::settings;

/// How many of the last lines a failure carries.
const TAIL: usize = 20;

/// A program to run, its arguments as a vector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HostCommand {
    /// The program, looked up on the path.
    pub(crate) program: String,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// Environment variables on top of the few that programs inherit.
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
    /// The build was stopped, and with it the program.
    Stopped,
    /// It could not be started or listened to.
    Broken(io::Error),
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
    /// Runs it to its end, or until it is stopped, and returns its standard output. Both streams go to `log`, and line by
    /// line to `on_line`.
    async fn run(
        &self,
        command: &HostCommand,
        log: &Path,
        on_line: OnLine<'_>,
        stop: &CancellationToken,
    ) -> Result<String, CommandFailure>;
}

/// The programs of this machine.
pub(crate) struct Host {
    /// How long a program that was interrupted may clean up before it is killed.
    clean_up: Duration,
}

impl Default for Host {
    fn default() -> Self {
        Self { clean_up: Duration::from_secs(10) }
    }
}

#[async_trait]
impl Runner for Host {
    async fn run(
        &self,
        command: &HostCommand,
        log: &Path,
        on_line: OnLine<'_>,
        stop: &CancellationToken,
    ) -> Result<String, CommandFailure> {
        let mut file = File::options().create(true).append(true).open(log).map_err(CommandFailure::Broken)?;
        writeln!(file, "$ {}", command.display()).map_err(CommandFailure::Broken)?;
        let child = Command::new(&command.program)
            .args(&command.arguments)
            .env_clear()
            .envs(settings::inherited())
            .env("LC_ALL", "C.UTF-8")
            .envs(command.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&command.folder)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => CommandFailure::Missing,
                _ => CommandFailure::Broken(error),
            })?;
        let printed = Mutex::new(Printed { file, lines: Vec::new() });
        let group = group(&child);
        let mut running = Running(child);
        let mut ended = pin!(running.outcome(&printed, on_line));
        let ended = tokio::select! {
            ended = &mut ended => ended,
            () = stop.cancelled() => {
                signal(group, Signal::SIGINT);
                // It is still listened to, because a full pipe would hold it up.
                if timeout(self.clean_up, &mut ended).await.is_err() {
                    signal(group, Signal::SIGKILL);
                    let _ = ended.await;
                }
                return Err(CommandFailure::Stopped);
            }
        };
        let (stdout, status) = ended.map_err(CommandFailure::Broken)?;
        if status.success() {
            return Ok(stdout);
        }
        let lines = printed.lock().map(|printed| printed.lines.clone()).unwrap_or_default();
        let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        Err(CommandFailure::Failed { outcome: status.to_string(), tail })
    }
}

/// A program under way, with a process group of its own. Dropped before its end, all of that is killed.
struct Running(Child);

impl Running {
    async fn outcome(&mut self, printed: &Mutex<Printed>, on_line: OnLine<'_>) -> io::Result<(String, ExitStatus)> {
        let (stdout, stderr) = (self.0.stdout.take(), self.0.stderr.take());
        let (stdout, _) = tokio::try_join!(listen(stdout, printed, on_line), listen(stderr, printed, on_line))?;
        Ok((stdout, self.0.wait().await?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After its end the number may be another program's, and there is none here any more.
        signal(group(&self.0), Signal::SIGKILL);
    }
}

/// The process group of a program that has not ended.
fn group(child: &Child) -> Option<Pid> {
    child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw)
}

/// To all of the group, because mmdebstrap's first process leaves signals to those that it started.
fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group {
        // It may have ended meanwhile.
        let _ = killpg(group, signal);
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
) -> io::Result<String> {
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
        let count = |_: &str| *seen.lock().unwrap() += 1;
        let failure = Host::default().run(&command, &log, &count, &CancellationToken::new()).await.unwrap_err();
        let CommandFailure::Failed { outcome, tail } = failure else { panic!("{failure:?}") };
        assert_eq!(outcome, "exit status: 3");
        assert_eq!(tail.lines().count(), TAIL);
        assert!(tail.contains("gone wrong"), "{tail}");
        assert_eq!(*seen.lock().unwrap(), 101);
        assert_eq!(std::fs::read_to_string(log).unwrap().lines().count(), 102);
    }

    #[tokio::test]
    async fn a_build_that_is_stopped_interrupts_its_program_which_may_clean_up() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let script = "trap 'echo cleaned up; exit 1' INT; echo ready; while :; do sleep 0.02; done";
        let command = HostCommand::new("sh", folder.path()).args(["-c", script]);
        let stop = CancellationToken::new();
        let on_line = |line: &str| {
            if line == "ready" {
                stop.cancel();
            }
        };
        let outcome = Host::default().run(&command, &log, &on_line, &stop).await;
        assert!(matches!(outcome, Err(CommandFailure::Stopped)), "{outcome:?}");
        assert!(std::fs::read_to_string(log).unwrap().ends_with("ready\ncleaned up\n"));
    }

    #[tokio::test]
    async fn a_program_that_does_not_heed_that_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let script = "trap '' INT; sleep 600 & echo $!; wait";
        let command = HostCommand::new("sh", folder.path()).args(["-c", script]);
        let (stop, started) = (CancellationToken::new(), Mutex::new(None));
        let on_line = |line: &str| {
            *started.lock().unwrap() = line.parse().ok().map(Pid::from_raw);
            stop.cancel();
        };
        let host = Host { clean_up: Duration::from_millis(50) };
        let outcome = host.run(&command, &log, &on_line, &stop).await;
        assert!(matches!(outcome, Err(CommandFailure::Stopped)), "{outcome:?}");
        let started = started.lock().unwrap().unwrap();
        // A killed process takes its time to end, and whoever adopts it takes its time to bury it.
        let state = || std::fs::read_to_string(format!("/proc/{started}/stat")).unwrap_or_default();
        let has_ended = |state: &str| state.is_empty() || state.contains(") Z ");
        let gone = async {
            let mut pace = tokio::time::interval(Duration::from_millis(10));
            while !has_ended(&state()) {
                pace.tick().await;
            }
        };
        assert!(timeout(Duration::from_secs(60), gone).await.is_ok(), "still there after a minute: {}", state());
    }

    #[tokio::test]
    async fn programs_see_nothing_of_the_environment_that_decides_what_they_make() {
        let folder = tempfile::tempdir().unwrap();
        let command = HostCommand::new("env", folder.path()).env("GOFLAGS", "-trimpath");
        let (log, stop) = (folder.path().join("log"), CancellationToken::new());
        let printed = Host::default().run(&command, &log, &|_| (), &stop).await.unwrap();
        // Cargo sets some for every test.
        let ours = std::process::Command::new("env").output().unwrap().stdout;
        assert!(String::from_utf8_lossy(&ours).contains("CARGO_MANIFEST_DIR="));
        let names: Vec<&str> = printed.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        let is_expected = |name: &&str| settings::INHERITED.contains(name) || ["LC_ALL", "GOFLAGS"].contains(name);
        assert!(names.contains(&"PATH") && names.iter().all(is_expected), "{names:?}");
        for decides in
            ["GOOS", "GOARCH", "GOAMD64", "GOEXPERIMENT", "GOTOOLCHAIN", "GOSUMDB", "GOPRIVATE", "CC", "CFLAGS"]
        {
            assert!(!settings::INHERITED.contains(&decides), "{decides}");
        }
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told_from_one_that_fails() {
        let folder = tempfile::tempdir().unwrap();
        let command = HostCommand::new("no-such-program-here", folder.path());
        let (log, stop) = (folder.path().join("log"), CancellationToken::new());
        let failure = Host::default().run(&command, &log, &|_| (), &stop).await.unwrap_err();
        assert!(matches!(failure, CommandFailure::Missing), "{failure:?}");
    }
}
