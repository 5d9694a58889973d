//! `cargo xtask test`: every check, the cheap ones first, every test, and some of the conformance specs.

use std::{error::Error, time::SystemTime};

use super::{
    cargo::{cargo, nextest_run},
    conformance::{self, ConformanceError},
    go_programs::{self, GoProgramError},
    image::{self, ImageError},
    leftovers::{self, LeftoverError},
    report::{self, ReportError},
};
use crate::{
    context::Context,
    interrupt::Interrupt,
    process::{ProcessError, Tool, run_shown},
    settings::{TEST_IMAGE, TEST_KEEP, TEST_REQUIRE},
    setup::{self, Prepared, SetupError},
    tasks::ImageChoice,
    tidy::{self, TidyError},
};

/// Tests that start runners of their own, or whose cluster is nobody else's: up to three clusters at once, beside which none
/// of the other tests' should be up.
const APART: &str = "package(kind-harness) and (binary(=nested) or test(/^foreign::/))";

/// A check or a test failed.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// The machine.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A check.
    #[error("check the {what}")]
    Check {
        /// What was checked.
        what: &'static str,
        /// How it failed.
        #[source]
        source: ProcessError,
    },
    /// The house rules.
    #[error(transparent)]
    Tidy(#[from] TidyError),
    /// The node image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A suite in Go that tests show.
    #[error(transparent)]
    GoProgram(#[from] GoProgramError),
    /// A test.
    #[error("run the tests")]
    Tests(#[source] ProcessError),
    /// The conformance suite, or one of its specs.
    #[error(transparent)]
    Conformance(#[from] ConformanceError),
    /// What is left behind.
    #[error(transparent)]
    Leftover(#[from] LeftoverError),
    /// The run's report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Parts of it.
    #[error("pass every part; what failed:{}", summary.iter().fold(String::new(), |text, line| text + "\n  - " + line))]
    Failed {
        /// A line for each, with its causes.
        summary: Vec<String>,
    },
}

/// Installs what is missing, then checks and tests everything. What fails does not keep the other parts from running.
///
/// # Errors
/// After all of it, with every part that failed; at once where the machine cannot be set up, where there is no image, or
/// where the user stops us.
pub async fn test(ctx: &Context, choice: ImageChoice) -> Result<(), TestError> {
    let prepared = setup::prepare(ctx).await?;
    let mut parts = Parts::new(&ctx.interrupt);
    for (what, tool) in checks(ctx) {
        ctx.ui.heading(&format!("Check: {what}"));
        let source = |source| TestError::Check { what, source };
        parts.note(what, run_shown(ctx, &tool).await.map_err(source))?;
    }
    ctx.ui.heading("Check: house rules");
    parts.note("house rules", tidy::check(&ctx.workspace).map_err(TestError::from))?;

    let before = leftovers::look(&*prepared.engine).await.map_err(LeftoverError::Engine)?;
    let image = image::node_image(ctx, &prepared, choice).await?;
    let without = image::left_out(ctx, &*prepared.engine, &image).await?;
    let suite = go_programs::example_suite(ctx, &prepared).await.map(drop).map_err(TestError::from);
    parts.note("example suite in Go", suite)?;
    ctx.ui.heading("Examples in the documentation");
    let doc_tests = cargo(ctx).args(["test", "--workspace", "--doc", "--quiet", "--no-fail-fast"]);
    parts.note("examples in the documentation", run_shown(ctx, &doc_tests).await.map_err(TestError::Tests))?;
    let begin = SystemTime::now();
    // Some of the specs follow; all of them take hours, and `cargo xtask conformance` runs them.
    let most = tests(ctx, &prepared, &image, "ci", &format!("not ({} or {APART} or {without})", conformance::SPECS));
    let apart = tests(ctx, &prepared, &image, "nested", APART);
    ctx.ui.heading("Tests");
    if parts.note("tests", run_shown(ctx, &most).await.map_err(TestError::Tests))? {
        // Keepers remove the clusters when their run is over. What a failed run leaves may be kept, and is not waited for.
        let left = leftovers::none_since(ctx, &*prepared.engine, &before).await;
        parts.note("what the tests leave behind", left.map_err(TestError::from))?;
    }
    ctx.ui.heading("Tests that start runners");
    parts.note("tests that start runners", run_shown(ctx, &apart).await.map_err(TestError::Tests))?;
    // A run of their own: they wait most of the time, so that more of them run at once than of other tests.
    let specs = conformance::selected(ctx, &prepared).await.map_err(TestError::from);
    parts.note("selected conformance specs", specs)?;
    if parts.all_passed() {
        let left = leftovers::none_since(ctx, &*prepared.engine, &before).await;
        parts.note("what is left behind", left.map_err(TestError::from))?;
    }
    if !parts.all_passed() {
        report::point_to(ctx);
    }
    parts.end()?;
    report::show(ctx, begin)?;
    Ok(())
}

/// The parts that failed so far.
struct Parts {
    failed: Vec<(&'static str, TestError)>,
    interrupt: Interrupt,
}

impl Parts {
    fn new(interrupt: &Interrupt) -> Self {
        Self { failed: Vec::new(), interrupt: interrupt.clone() }
    }

    /// Takes note of how a part ended, and returns whether it passed. A user who stops us stops everything.
    fn note(&mut self, part: &'static str, result: Result<(), TestError>) -> Result<bool, TestError> {
        match result {
            Ok(()) => Ok(true),
            Err(error) if self.interrupt.check().is_err() => Err(error),
            Err(error) => {
                eprintln!("\n{part}: failed; the other parts go on");
                self.failed.push((part, error));
                Ok(false)
            }
        }
    }

    fn all_passed(&self) -> bool {
        self.failed.is_empty()
    }

    /// The failures, all of them.
    fn end(self) -> Result<(), TestError> {
        if self.failed.is_empty() {
            return Ok(());
        }
        let summary =
            self.failed.iter().map(|(part, error)| format!("{part}: failed to {}", with_causes(error))).collect();
        Err(TestError::Failed { summary })
    }
}

/// An error and why it happened, in one paragraph.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}; because: {error}");
        cause = error.source();
    }
    text
}

/// Checks that need no engine, fastest first.
fn checks(ctx: &Context) -> [(&'static str, Tool); 3] {
    let docs = ["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"];
    [
        ("format", cargo(ctx).args(["fmt", "--all", "--check"])),
        ("lints", cargo(ctx).args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"])),
        ("documentation", cargo(ctx).args(docs).env("RUSTDOCFLAGS", "--deny warnings")),
    ]
}

/// The tests that a filter chooses; the profile is for CI, where it also names the folder of the results.
fn tests(ctx: &Context, prepared: &Prepared, image: &str, profile: &str, filter: &str) -> Tool {
    let tests = nextest_run(ctx, prepared)
        .args(["--workspace", "--no-fail-fast", "--filterset", filter])
        .env(TEST_REQUIRE, "1")
        .env(TEST_IMAGE, image);
    // Nobody will look at a cluster that a CI run leaves.
    if ctx.settings.ci { tests.args(["--profile", profile]).env(TEST_KEEP, "never") } else { tests }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> TestError {
        TestError::Report(ReportError::Old("report.html".into()))
    }

    #[test]
    fn a_part_that_fails_is_told_at_the_end_with_all_others() {
        let mut parts = Parts::new(&Interrupt::never());
        assert!(parts.note("lints", Ok(())).unwrap());
        assert!(!parts.note("tests", Err(failed())).unwrap());
        assert!(!parts.note("specs", Err(failed())).unwrap());
        let text = parts.end().unwrap_err().to_string();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains("\n  - tests: failed to ") && text.contains("\n  - specs: failed to "), "{text}");
        assert!(Parts::new(&Interrupt::never()).end().is_ok());
    }

    #[test]
    fn an_interrupt_ends_everything() {
        let mut parts = Parts::new(&Interrupt::asked());
        assert!(parts.note("tests", Err(failed())).is_err());
    }
}
