//! The programs that are built from `conformance/example`: a ginkgo suite that is shown as tests, and ginkgo's own command.

use std::path::PathBuf;

use crate::{
    context::Context,
    process::{ProcessError, Tool, run_logged},
    setup::{Prepared, SetupError, install_build_tools},
};

/// A program could not be built.
#[derive(Debug, thiserror::Error)]
pub enum GoProgramError {
    /// Go is missing.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// It does not compile.
    #[error("build {what}")]
    Build {
        /// Which one.
        what: &'static str,
        /// Why not.
        #[source]
        source: ProcessError,
    },
}

/// Has the example's suite, and returns where it is.
pub(super) async fn example_suite(ctx: &Context, prepared: &Prepared) -> Result<PathBuf, GoProgramError> {
    build(ctx, prepared, "the example suite", "example.test", &["test", "-c"], ".").await
}

/// Has ginkgo's command, in the version that the suites are built with, and returns where it is.
pub(super) async fn ginkgo(ctx: &Context, prepared: &Prepared) -> Result<PathBuf, GoProgramError> {
    build(ctx, prepared, "ginkgo's command", "ginkgo", &["build"], "github.com/onsi/ginkgo/v2/ginkgo").await
}

async fn build(
    ctx: &Context,
    prepared: &Prepared,
    what: &'static str,
    name: &str,
    verb: &[&str],
    package: &str,
) -> Result<PathBuf, GoProgramError> {
    let path = install_build_tools(ctx, prepared).await?;
    let program = ctx.workspace.go_programs().join(name);
    // The flags of the conformance suite, so that what was compiled for it is not compiled again.
    let go = Tool::new("go")
        .args(verb)
        .args(["-trimpath", "-ldflags", "-s -w", "-o"])
        .arg(&program)
        .arg(package)
        .folder(&ctx.workspace.root().join("conformance/example"))
        .env("PATH", path)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-buildvcs=false")
        .env("GOWORK", "off");
    run_logged(ctx, &format!("build {what}"), &go).await.map_err(|source| GoProgramError::Build { what, source })?;
    Ok(program)
}
