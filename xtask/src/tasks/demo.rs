//! `cargo xtask demo`: the example tests on a highly available cluster, with what `kubectl get nodes` says of it meanwhile.

use std::time::SystemTime;

use super::{
    cargo::nextest_run,
    image::{self, ImageError},
    leftovers::{self, LeftoverError},
    nodes,
    report::{self, ReportError},
};
use crate::{
    context::Context,
    process::{ProcessError, run_shown},
    settings::{TEST_IMAGE, TEST_REQUIRE},
    setup::{self, SetupError},
    tasks::ImageChoice,
};

/// The demo did not go as it should.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The machine.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The node image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The example tests.
    #[error("run the example tests")]
    Tests(#[from] ProcessError),
    /// No highly available cluster was seen.
    #[error("show the nodes: while the tests ran, no cluster of three control planes had all of its nodes Ready")]
    NoCluster,
    /// What is left behind.
    #[error(transparent)]
    Leftover(#[from] LeftoverError),
    /// The run's report.
    #[error(transparent)]
    Report(#[from] ReportError),
}

/// Installs what is missing, runs the example tests, shows the nodes, and checks that nothing is left behind.
///
/// # Errors
/// When any of it fails.
pub async fn demo(ctx: &Context, choice: ImageChoice) -> Result<(), DemoError> {
    let prepared = setup::prepare(ctx).await?;
    let before = leftovers::look(&*prepared.engine).await.map_err(LeftoverError::Engine)?;
    let image = image::node_image(ctx, &prepared, choice).await?;
    let without = image::left_out(ctx, &*prepared.engine, &image).await?;

    ctx.ui.heading("Example tests, on a highly available cluster");
    // Compiled beforehand, so that the times of the tests are the tests'.
    let packages = ["--workspace"];
    run_shown(ctx, &nextest_run(ctx, &prepared).arg("--no-run").args(packages)).await?;
    let tests = nextest_run(ctx, &prepared)
        .args(packages)
        .args(["--filterset", &format!("package(kind-examples) and not {without}"), "--no-fail-fast"])
        .env(TEST_REQUIRE, "1")
        .env(TEST_IMAGE, image);
    let begin = SystemTime::now();
    let mut seen = None;
    let run = run_shown(ctx, &tests);
    tokio::pin!(run);
    let outcome = tokio::select! {
        outcome = &mut run => outcome,
        nodes = nodes::ready_nodes(&*prepared.engine) => {
            seen = Some(nodes);
            run.await
        }
    };

    if let Some(nodes) = &seen {
        ctx.ui.heading("kubectl get nodes, while the tests were running");
        println!("{nodes}");
    }
    if outcome.is_err() {
        report::point_to(ctx);
    }
    outcome?;
    leftovers::none_since(ctx, &*prepared.engine, &before).await?;
    report::show(ctx, begin)?;
    seen.map(drop).ok_or(DemoError::NoCluster)
}
