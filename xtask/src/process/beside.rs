//! A program that runs beside what we do, with its output in a log, until it is ended.

use std::{path::Path, time::Duration};

use nix::sys::signal::Signal;
use tokio::process::Child;

use super::{
    ProcessError, Tool,
    run::{create, signal_group, start},
};
use crate::wait;

/// Such a program. Where it is dropped, it is killed.
#[derive(Debug)]
pub struct Beside(Child);

impl Beside {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be started or the log cannot be written.
    pub fn start(tool: &Tool, log: &Path) -> Result<Self, ProcessError> {
        let failed = |source| ProcessError::Log { path: log.to_owned(), source };
        let output = create(log).map_err(failed)?;
        let errors = output.try_clone().map_err(failed)?;
        Ok(Self(start(tool, tool.command().stdout(output).stderr(errors).kill_on_drop(true))?))
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Asks it to end, and kills it where it has not after `grace`.
    pub async fn end(mut self, grace: Duration) {
        let group = self.0.id();
        signal_group(group, Signal::SIGTERM);
        tokio::select! {
            _ = self.0.wait() => {}
            () = wait::limit(grace) => {
                signal_group(group, Signal::SIGKILL);
                // Nothing is left to do where even that fails.
                self.0.wait().await.ok();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_end_when_asked_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let tool = Tool::new("sh").args(["-c", "trap '' TERM; echo there; while :; do sleep 0.05; done"]);
        let log = folder.path().join("log");
        let mut beside = Beside::start(&tool, &log).unwrap();
        let look = async || match std::fs::read_to_string(&log) {
            Ok(text) if text.contains("there") => wait::Look::Done(()),
            _ => wait::Look::NotYet(String::new()),
        };
        wait::until("its word", Duration::from_millis(20), Duration::from_secs(20), look).await.unwrap();
        assert!(!beside.has_ended());
        beside.end(Duration::from_millis(100)).await;
    }
}
