//! The test runner, built from its crate.

use crate::{
    context::Context,
    process::{ProcessError, Tool, run_logged},
};

/// The crate.
pub(super) const CRATE: &str = "cargo-nextest";
/// The version that this workspace is tested with; any that is installed already will do.
const VERSION: &str = "0.9.151";

/// Builds and installs the test runner beside cargo.
pub(super) async fn install(ctx: &Context) -> Result<(), ProcessError> {
    let cargo = Tool::new(&ctx.settings.cargo)
        .args(["install", CRATE, "--locked", "--version", VERSION])
        // A folder of its own, so that a second try goes on where the first one was interrupted.
        .env("CARGO_TARGET_DIR", ctx.workspace.made().join("nextest"))
        .without_env(&ctx.settings.cargo_run_variables);
    run_logged(ctx, "build cargo-nextest", &cargo).await
}
