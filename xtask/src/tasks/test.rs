//! `cargo xtask test`: every check, the cheap ones first, every test, and some of the conformance specs.

use std::time::SystemTime;

use super::{
    cargo::cargo,
    conformance::{self, ConformanceError},
    go_programs::{self, GoProgramError},
    image::{self, ImageError},
    leftovers::{self, LeftoverError},
    report::{self, ReportError},
};
use crate::{
    context::Context,
    process::{ProcessError, Tool, run_shown},
    settings::{TEST_IMAGE, TEST_KEEP, TEST_REQUIRE},
    setup::{self, SetupError},
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
}

/// Installs what is missing, then checks and tests everything.
///
/// # Errors
/// At the first check that fails; the tests all run before their failures end it.
pub async fn test(ctx: &Context, choice: ImageChoice) -> Result<(), TestError> {
    let prepared = setup::prepare(ctx).await?;
    for (what, tool) in checks(ctx) {
        ctx.ui.heading(&format!("Check: {what}"));
        run_shown(ctx, &tool).await.map_err(|source| TestError::Check { what, source })?;
    }
    ctx.ui.heading("Check: house rules");
    tidy::check(&ctx.workspace)?;
    ctx.ui.line("tidy");

    let before = leftovers::look(&*prepared.engine).await.map_err(LeftoverError::Engine)?;
    let image = image::node_image(ctx, &prepared, choice).await?;
    go_programs::example_suite(ctx, &prepared).await?;
    ctx.ui.heading("Examples in the documentation");
    let doc_tests = cargo(ctx).args(["test", "--workspace", "--doc", "--quiet"]);
    run_shown(ctx, &doc_tests).await.map_err(TestError::Tests)?;
    let begin = SystemTime::now();
    // Some of the specs follow; all of them take hours, and `cargo xtask conformance` runs them.
    let most = tests(ctx, &image, "ci", &format!("not ({} or {APART})", conformance::SPECS));
    let apart = tests(ctx, &image, "nested", APART);
    ctx.ui.heading("Tests");
    let mut failure = run_shown(ctx, &most).await.err();
    if failure.is_none() {
        // Keepers remove the clusters when their run is over. What a failed run leaves may be kept, and is not waited for.
        leftovers::none_since(ctx, &*prepared.engine, &before).await?;
    }
    if !matches!(failure, Some(ProcessError::Interrupted(_))) {
        ctx.ui.heading("Tests that start runners");
        let failure_apart = run_shown(ctx, &apart).await.err();
        failure = failure.or(failure_apart);
    }
    if let Some(source) = failure {
        report::point_to(ctx);
        return Err(TestError::Tests(source));
    }
    // A run of their own: they wait most of the time, so that more of them run at once than of other tests.
    conformance::selected(ctx, &prepared).await?;
    leftovers::none_since(ctx, &*prepared.engine, &before).await?;
    report::show(ctx, begin)?;
    Ok(())
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
fn tests(ctx: &Context, image: &str, profile: &str, filter: &str) -> Tool {
    let tests = cargo(ctx)
        .args(["nextest", "run", "--workspace", "--no-fail-fast", "--filterset", filter])
        .env(TEST_REQUIRE, "1")
        .env(TEST_IMAGE, image);
    // Nobody will look at a cluster that a CI run leaves.
    if ctx.settings.ci { tests.args(["--profile", profile]).env(TEST_KEEP, "never") } else { tests }
}
