//! `cargo xtask clean`: removes what is ours on this machine's engine, through the command line tool.

use kind_engine::EngineError;

use super::{cargo::cargo, leftovers};
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
}

/// What is asked of the command line tool: clusters of ours, then what else nobody needs. What other tools made stays.
const COMMANDS: [&[&str]; 2] = [&["delete", "clusters", "--all"], &["gc", "--all"]];

/// Removes every cluster of ours that no test uses, with all that belongs to it, and names what stays.
///
/// # Errors
/// When the engine does not answer or something cannot be removed.
pub async fn clean(ctx: &Context) -> Result<(), CleanError> {
    ctx.ui.heading("Clean");
    let engine = setup::connect(ctx).await?;
    run_shown(ctx, &cargo(ctx).args(["build", "--workspace", "--quiet"])).await?;
    let mut failure = None;
    for arguments in COMMANDS {
        // One that fails does not keep the other.
        let done = run_shown(ctx, &Tool::new(ctx.workspace.program("kind-rs")).args(arguments.iter().copied())).await;
        if let Err(ProcessError::Interrupted(_)) = done {
            return Ok(done?);
        }
        failure = failure.or(done.err());
    }
    for stays in leftovers::look(&engine).await? {
        ctx.ui.line(&format!("stays: {stays}"));
    }
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `--all` takes and leaves is the command line's, and tested there.
    #[test]
    fn clusters_of_other_tools_are_never_asked_for() {
        assert!(COMMANDS.iter().all(|arguments| arguments.contains(&"--all") && !arguments.contains(&"--foreign")));
    }
}
