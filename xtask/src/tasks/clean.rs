//! `cargo xtask clean`: removes what is ours on this machine's engine, through the command line tool.

use std::collections::BTreeSet;

use kind_engine::{Engine, EngineError};

use super::{
    cargo::cargo,
    leftovers::{self, LeftoverError},
};
use crate::{
    context::Context,
    process::{ProcessError, Tool, run_shown},
    setup,
};

/// Something could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum CleanError {
    /// The engine.
    #[error("look for what is ours")]
    Engine(#[from] EngineError),
    /// The command line tool failed.
    #[error("remove what is ours")]
    Remove(#[from] ProcessError),
    /// What is left behind.
    #[error(transparent)]
    Leftover(#[from] LeftoverError),
}

/// Removes every cluster of ours, and waits until nothing of it is left.
///
/// # Errors
/// When the engine does not answer or something cannot be removed.
pub async fn clean(ctx: &Context) -> Result<(), CleanError> {
    ctx.ui.heading("Clean");
    let engine = setup::connect(ctx).await?;
    let facts = engine.facts().await?;
    // Which volumes were ours cannot be told afterwards; those of our containers go with them.
    let others: BTreeSet<String> = leftovers::volumes(&facts).into_iter().collect();
    run_shown(ctx, &cargo(ctx).args(["build", "--workspace", "--quiet"])).await?;
    run_shown(ctx, &Tool::new(ctx.workspace.program("kind-rs")).args(["delete", "clusters", "--all"])).await?;
    Ok(leftovers::none_since(ctx, &engine, &facts, &others).await?)
}
