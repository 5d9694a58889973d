//! What every step has at hand: options, cache, the runner of programs, and who is told of progress.

use std::{collections::BTreeMap, sync::OnceLock, time::Instant};

use kind_engine::EngineError;
use tokio_util::sync::CancellationToken;

use crate::{
    BuildError, BuildOptions, Progress, Release, Step,
    cache::Cache,
    command::{CommandFailure, HostCommand, Runner},
    error::InStep as _,
};

/// What every step has at hand.
pub(crate) struct Workshop<'a> {
    pub(crate) options: &'a BuildOptions,
    pub(crate) cache: Cache,
    pub(crate) runner: &'a dyn Runner,
    pub(crate) progress: &'a dyn Progress,
    /// Ends the build: the caller's stop, or a step that failed while another is under way.
    pub(crate) stop: CancellationToken,
    /// Where this user's Go fetches modules from and keeps them, once that was asked.
    pub(crate) go_places: OnceLock<BTreeMap<String, String>>,
}

impl<'a> Workshop<'a> {
    /// For one build.
    pub(crate) fn new(
        options: &'a BuildOptions,
        cache: Cache,
        runner: &'a dyn Runner,
        progress: &'a dyn Progress,
    ) -> Self {
        Self { options, cache, runner, progress, stop: options.stop.child_token(), go_places: OnceLock::new() }
    }

    /// What is built.
    pub(crate) fn release(&self) -> &'static Release {
        self.options.release
    }

    /// Runs a program of this machine for a step and returns its standard output.
    pub(crate) async fn run(&self, step: Step, command: &HostCommand) -> Result<String, BuildError> {
        let log = self.cache.log(step);
        let on_line = |text: &str| self.progress.line(step, text);
        self.runner.run(command, &log, &on_line, &self.stop).await.map_err(|failure| {
            let (outcome, tail) = match failure {
                CommandFailure::Stopped => return BuildError::Stopped { step },
                CommandFailure::Missing => ("not installed".to_owned(), String::new()),
                CommandFailure::Broken(error) => (error.to_string(), String::new()),
                CommandFailure::Failed { outcome, tail } => (outcome, tail),
            };
            BuildError::Command { step, command: command.display(), outcome, tail, log }
        })
    }

    /// As [`Workshop::run`], of a program whose failure means something; `None` where it failed.
    pub(crate) async fn ask(&self, step: Step, command: &HostCommand) -> Result<Option<String>, BuildError> {
        match self.runner.run(command, &self.cache.log(step), &|_| (), &self.stop).await {
            Ok(printed) => Ok(Some(printed)),
            Err(CommandFailure::Stopped) => Err(BuildError::Stopped { step }),
            Err(_) => Ok(None),
        }
    }

    /// Does both at the same time. Where one fails, the other is stopped, and may clean up.
    pub(crate) async fn both<A, B>(
        &self,
        one: impl Future<Output = Result<A, BuildError>>,
        other: impl Future<Output = Result<B, BuildError>>,
    ) -> Result<(A, B), BuildError> {
        let stop = &self.stop;
        let one = async { one.await.inspect_err(|_| stop.cancel()) };
        let other = async { other.await.inspect_err(|_| stop.cancel()) };
        match tokio::join!(one, other) {
            (Ok(one), Ok(other)) => Ok((one, other)),
            // What was stopped is not why.
            (Err(BuildError::Stopped { .. }) | Ok(_), Err(error)) | (Err(error), _) => Err(error),
        }
    }

    /// What the engine does at length, unless the build is stopped first.
    pub(crate) async fn unless_stopped<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, BuildError> {
        let done = self.stop.run_until_cancelled(work).await;
        done.ok_or(BuildError::Stopped { step })?.during(step)
    }

    /// Fails where a step would have to fetch something and may not.
    pub(crate) fn may_fetch(&self, step: Step) -> Result<(), BuildError> {
        if self.options.offline {
            return Err(BuildError::Offline { step, cache: self.cache.root().to_owned() });
        }
        Ok(())
    }

    /// Tells of a step's beginning and end.
    pub(crate) async fn step<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, BuildError>>,
    ) -> Result<T, BuildError> {
        self.progress.started(step);
        let begun = Instant::now();
        let result = work.await?;
        self.progress.finished(step, begun.elapsed());
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Silent, command::Host};

    #[tokio::test]
    async fn where_one_of_two_fails_the_other_may_clean_up() {
        let folder = tempfile::tempdir().unwrap();
        let options = BuildOptions::new(folder.path());
        let (cache, host) = (Cache::open(&options, Step::Base, &Silent).await.unwrap(), Host::default());
        let workshop = Workshop::new(&options, cache, &host, &Silent);
        let script = |text: &str| HostCommand::new("sh", folder.path()).args(["-c", text]);
        let slow = script("trap 'echo cleaned up; exit 1' INT; touch ready; while :; do sleep 0.02; done");
        let bad = script("until [ -e ready ]; do sleep 0.02; done; exit 7");
        let both = workshop.both(workshop.run(Step::Base, &slow), workshop.run(Step::Etcd, &bad));
        let error = both.await.unwrap_err();
        assert!(error.to_string().starts_with("etcd: `sh -c"), "{error}");
        let log = std::fs::read_to_string(workshop.cache.log(Step::Base)).unwrap();
        assert!(log.ends_with("\ncleaned up\n"), "{log}");
        assert!(!options.stop.is_cancelled(), "the caller's other builds were stopped");
    }
}
