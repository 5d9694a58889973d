//! Specs as `kind-rs conformance run` runs them: by turns on processes of the suite.

use std::{
    cell::RefCell,
    num::NonZero,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use kind_conformance::{GoOn, RunError, Runner, Spec, Stop, Verdict, Watch, run_all};

/// What was seen of a run.
#[derive(Default)]
struct Seen {
    overheads: RefCell<Vec<Duration>>,
    problems: RefCell<Vec<String>>,
}

impl Watch for Seen {
    fn began(&self, _: &'static Spec) {}

    fn ended(&self, spec: &'static Spec, verdict: Result<Verdict, RunError>) -> GoOn {
        match verdict {
            Ok(Verdict::Passed { took, process }) => {
                self.overheads.borrow_mut().push(process.saturating_sub(took));
                return GoOn::Yes;
            }
            Ok(Verdict::Failed(failed)) => self.problems.borrow_mut().push(failed.to_string()),
            Ok(Verdict::Stopped) => self.problems.borrow_mut().push(format!("{} was stopped", spec.test)),
            Err(error) => self.problems.borrow_mut().push(format!("{}: {error}", spec.test)),
        }
        GoOn::No
    }
}

/// Runs these specs, so many at a time, from the start of the first process to the end of the last. Returns what each cost
/// beyond what the suite says that it took, and how long it took all in all.
pub(super) async fn run(
    runner: Runner,
    specs: &[&'static Spec],
    at_once: NonZero<usize>,
) -> anyhow::Result<(Vec<Duration>, Duration)> {
    let start = Instant::now();
    let runner = runner.sharing_processes(specs, at_once.get());
    let seen = Seen::default();
    run_all(&runner, specs, at_once, &Stop::never(), &seen).await;
    runner.end().await.context("end the suite's processes")?;
    if let Some(problem) = seen.problems.borrow().first() {
        bail!("run the specs: {problem}");
    }
    Ok((seen.overheads.into_inner(), start.elapsed()))
}
