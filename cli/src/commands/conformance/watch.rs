//! What a person sees of running specs, and what is kept of those that fail.

use std::{
    cell::RefCell,
    collections::HashMap,
    time::{Duration, Instant},
};

use kind_conformance::{Folder, GoOn, RunError, Spec, Verdict, Watch};

use super::tally::{Counted, Tally, span};
use crate::{
    console::{Board, Console},
    failure::{ConformanceFailure, Failure},
};

/// The watch over one run.
pub(super) struct Show<'a> {
    console: &'a Console,
    board: Board<'a>,
    folder: &'a Folder,
    tally: RefCell<Tally>,
    began: RefCell<HashMap<&'static str, Instant>>,
    broken: RefCell<Option<Failure>>,
}

impl<'a> Show<'a> {
    pub(super) fn new(console: &'a Console, folder: &'a Folder, specs: &[&Spec], at_once: usize) -> Self {
        Self {
            console,
            board: console.board(),
            folder,
            tally: RefCell::new(Tally::new(specs, at_once)),
            began: RefCell::default(),
            broken: RefCell::default(),
        }
    }

    /// Whether every spec has a result now; an error where one could not run at all.
    pub(super) fn done(self) -> Result<bool, Failure> {
        let is_over = self.tally.borrow().is_over();
        self.broken.into_inner().map_or(Ok(is_over), Err)
    }

    fn count(&self) {
        let line = self.tally.borrow().line();
        self.board.count(&line);
    }

    fn tell(&self, spec: &'static Spec, verdict: Result<Verdict, RunError>, elapsed: Duration) -> Result<(), Failure> {
        let (how, took, failed) = match verdict {
            Ok(Verdict::Passed { took, .. }) => (Counted::Passed, took, None),
            Ok(Verdict::Failed(failed)) => (Counted::Failed, elapsed, Some(failed)),
            Ok(Verdict::Stopped) => (Counted::Stopped, elapsed, None),
            Err(error) => {
                self.board.ended(spec.test, None)?;
                return Err(ConformanceFailure::Run(error).into());
            }
        };
        self.tally.borrow_mut().ended(spec, how, elapsed);
        let sign = match how {
            Counted::Passed => Some('✓'),
            Counted::Failed => Some('✗'),
            Counted::Stopped => None,
        };
        let line = sign.map(|sign| format!("{sign} {} ({})", spec.test, span(took)));
        self.board.ended(spec.test, line.as_deref())?;
        if let Some(failed) = failed {
            let text = format!("{failed}\neverything that the suite printed: {}", failed.log.display());
            self.console.note(&format!("  {}", text.trim_end().replace('\n', "\n  ")));
            self.folder.add_failure(spec, &failed).map_err(ConformanceFailure::Folder)?;
        }
        Ok(())
    }
}

impl Watch for Show<'_> {
    fn began(&self, spec: &'static Spec) {
        self.tally.borrow_mut().began();
        self.began.borrow_mut().insert(spec.test, Instant::now());
        self.board.began(spec.test);
        self.count();
    }

    fn ended(&self, spec: &'static Spec, verdict: Result<Verdict, RunError>) -> GoOn {
        let elapsed = self.began.borrow_mut().remove(spec.test).map_or(Duration::ZERO, |began| began.elapsed());
        let told = self.tell(spec, verdict, elapsed);
        self.count();
        match told {
            Ok(()) => GoOn::Yes,
            Err(failure) => {
                // The first one says why the others cannot go on.
                self.broken.borrow_mut().get_or_insert(failure);
                GoOn::No
            }
        }
    }
}
