//! What every step has at hand: options, cache, the runner of programs, and who is told of progress.

use std::time::Instant;

use crate::{
    BuildError, BuildOptions, Progress, Release, Step,
    cache::Cache,
    command::{CommandFailure, HostCommand, Runner},
};

/// What every step has at hand.
pub(crate) struct Workshop<'a> {
    pub(crate) options: &'a BuildOptions,
    pub(crate) cache: Cache,
    pub(crate) runner: &'a dyn Runner,
    pub(crate) progress: &'a dyn Progress,
}

impl Workshop<'_> {
    /// What is built.
    pub(crate) fn release(&self) -> &'static Release {
        self.options.release
    }

    /// Runs a program of this machine for a step and returns its standard output.
    pub(crate) async fn run(&self, step: Step, command: &HostCommand) -> Result<String, BuildError> {
        let log = self.cache.log(step);
        let on_line = |text: &str| self.progress.line(step, text);
        self.runner.run(command, &log, &on_line).await.map_err(|failure| {
            let (outcome, tail) = match failure {
                CommandFailure::Stopped => return BuildError::Stopped { step },
                CommandFailure::Missing => ("not installed".to_owned(), String::new()),
                CommandFailure::Broken(error) => (error.to_string(), String::new()),
                CommandFailure::Failed { outcome, tail } => (outcome, tail),
            };
            BuildError::Command { step, command: command.display(), outcome, tail, log }
        })
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
