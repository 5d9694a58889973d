//! Calls of cargo from within cargo.

use crate::{context::Context, process::Tool};

/// cargo, in the workspace, as if the user had called it and not we.
pub(super) fn cargo(ctx: &Context) -> Tool {
    Tool::new(&ctx.settings.cargo).folder(ctx.workspace.root()).without_env(&ctx.settings.cargo_run_variables)
}
