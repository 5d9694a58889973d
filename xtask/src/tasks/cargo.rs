//! Calls of cargo and of its test runner from within cargo.

use std::path::Path;

use crate::{
    context::Context,
    process::Tool,
    setup::{Prepared, prepend},
};

/// cargo, in the workspace, as if the user had called it and not we.
pub(super) fn cargo(ctx: &Context) -> Tool {
    Tool::new(&ctx.settings.cargo).folder(ctx.workspace.root()).without_env(&ctx.settings.cargo_run_variables)
}

/// `cargo nextest run`, with the runner that the setup found or installed; tests that start runners find the same one.
pub(super) fn nextest_run(ctx: &Context, prepared: &Prepared) -> Tool {
    let folder = prepared.nextest.parent().unwrap_or(Path::new("/"));
    Tool::new(&prepared.nextest)
        .args(["nextest", "run"])
        .folder(ctx.workspace.root())
        .env("PATH", prepend(folder, &ctx.settings.path))
        .env("CARGO", &ctx.settings.cargo)
        .without_env(&ctx.settings.cargo_run_variables)
}
