//! How a test ended, and how that is told to the test runner.

use std::{any::Any, io::Write as _, process::ExitCode};

use kind_report::Outcome;

use super::name::TestName;

/// How a test ended.
pub enum Ended {
    /// As it should.
    Passed,
    /// It did not run, for this reason.
    Skipped(String),
    /// It failed, with this text for its reader.
    Failed(String),
    /// Its body panicked; the message is printed already.
    Panicked(Box<dyn Any + Send>),
}

impl Ended {
    /// Whether the test did what it should, which may be to panic.
    pub(crate) fn is_success(&self, should_panic: Option<&str>) -> bool {
        match (self, should_panic) {
            (Self::Passed, None) | (Self::Skipped(_), _) => true,
            (Self::Panicked(payload), Some(expected)) => message(&**payload).is_some_and(|it| it.contains(expected)),
            _ => false,
        }
    }

    /// How the run's records tell it, and why where it is not as it should be.
    pub(crate) fn outcome(&self, should_panic: Option<&str>) -> (Outcome, Option<String>) {
        match self {
            Self::Skipped(reason) => (Outcome::Skipped, Some(reason.clone())),
            _ if self.is_success(should_panic) => (Outcome::Passed, None),
            // The other way round it would have panicked.
            Self::Passed => (Outcome::Failed, Some("it was to panic and did not".to_owned())),
            _ => (Outcome::Failed, Some(self.reason())),
        }
    }

    /// What happened, in a few words.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Passed => "passed".to_owned(),
            Self::Skipped(reason) => format!("skipped: {reason}"),
            Self::Failed(text) => text.clone(),
            Self::Panicked(payload) => panicked(&**payload),
        }
    }
}

/// What is said of a panic.
pub(super) fn panicked(payload: &(dyn Any + Send)) -> String {
    format!("panicked: {}", message(payload).unwrap_or("with something else than a text"))
}

/// The text of a panic.
fn message(payload: &(dyn Any + Send)) -> Option<&str> {
    payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied())
}

/// What a test function returns: nothing, or an exit code where its body returns something.
pub trait Verdict {
    /// Tells the test runner how the test ended: by returning, or by panicking.
    fn tell(ended: Ended, should_panic: Option<&str>) -> Self;
}

impl Verdict for () {
    #[track_caller]
    fn tell(ended: Ended, should_panic: Option<&str>) {
        match (ended, should_panic) {
            (Ended::Passed, _) | (Ended::Skipped(_), None) => {}
            // The runner wants a panic. This one is not printed.
            (Ended::Skipped(reason), Some(expected)) => {
                std::panic::resume_unwind(Box::new(format!("SKIPPED: {reason}; {expected}")));
            }
            (Ended::Failed(text), None) => panic!("{text}"),
            // A panic would pass for the expected one; without any the runner fails the test.
            (Ended::Failed(text), Some(_)) => eprintln!("{text}"),
            (Ended::Panicked(payload), _) => std::panic::resume_unwind(payload),
        }
    }
}

impl Verdict for ExitCode {
    fn tell(ended: Ended, _: Option<&str>) -> Self {
        match ended {
            Ended::Passed | Ended::Skipped(_) => Self::SUCCESS,
            Ended::Failed(text) => {
                eprintln!("{text}");
                Self::FAILURE
            }
            Ended::Panicked(payload) => std::panic::resume_unwind(payload),
        }
    }
}

/// Says that a test is skipped, past the test runner's capture: it would show nothing of a test that passes.
pub(super) fn announce_skip(test: &TestName, reason: &str) {
    // Nobody may be listening.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {}: {reason}", test.as_str());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panicked(text: &str) -> Ended {
        Ended::Panicked(Box::new(text.to_owned()))
    }

    #[test]
    fn an_expected_panic_is_a_success_and_its_absence_is_not() {
        assert!(panicked("went boom").is_success(Some("boom")));
        assert!(!panicked("other").is_success(Some("boom")));
        assert!(!panicked("boom").is_success(None));
        assert!(!Ended::Passed.is_success(Some("")));
        assert!(!Ended::Failed("boom".to_owned()).is_success(Some("boom")));
    }

    #[test]
    #[should_panic(expected = "boom")]
    fn a_skipped_test_that_should_panic_panics() {
        <()>::tell(Ended::Skipped("no engine".to_owned()), Some("boom"));
    }

    #[test]
    fn a_failure_of_ours_does_not_pass_for_the_expected_panic() {
        <()>::tell(Ended::Failed("no cluster".to_owned()), Some(""));
    }

    #[test]
    fn failures_become_exit_codes() {
        assert_eq!(ExitCode::tell(Ended::Failed("x".to_owned()), None), ExitCode::FAILURE);
        assert_eq!(ExitCode::tell(Ended::Skipped("x".to_owned()), None), ExitCode::SUCCESS);
    }
}
