//! What an error of a step or of the engine means: its exit code, and what to do.

use kind_core::provision::StepError;
use kind_engine::EngineError;

use crate::exit;

/// Whether the engine refused to run something in a frozen node.
pub(super) fn asks_frozen_node(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(EngineError::Refused { message, .. }) if message.contains("is paused"))
        || error.source().is_some_and(asks_frozen_node)
}

pub(super) fn step_code(error: &StepError) -> u8 {
    match error {
        StepError::NameTaken { .. } => exit::NAME_TAKEN,
        StepError::NoImage { .. }
        | StepError::NoLoadBalancer { .. }
        | StepError::NoRegistry { .. }
        | StepError::Load(_) => exit::IMAGE,
        StepError::Spec(_) | StepError::Patch(_) | StepError::TooMuch { .. } | StepError::ServiceProxy { .. } => {
            exit::CONFIGURATION
        }
        StepError::TimedOut { .. } | StepError::Expired { .. } | StepError::Wait(_) => exit::TIMED_OUT,
        StepError::Rootless { .. } => exit::ENGINE,
        StepError::Engine(error) if !is_answer(error) => exit::ENGINE,
        _ => exit::STEP_FAILED,
    }
}

/// Whether the engine itself is well and only refused.
pub(super) fn is_answer(error: &EngineError) -> bool {
    matches!(error, EngineError::Refused { .. } | EngineError::File { .. } | EngineError::ImageName { .. })
}

/// Words of the engine that do not tell a newcomer what to do.
pub(super) fn engine_hint(error: &StepError) -> Option<&'static str> {
    let StepError::Engine(EngineError::Refused { message, .. }) = error else { return None };
    let has = |words: &str| message.contains(words);
    if has("port is already allocated") || has("address already in use") {
        Some(
            "another program listens on that port: choose another hostPort in extraPortMappings, or leave it out for a free one",
        )
    } else if has("address pool") || has("predefined address pools") {
        Some(
            "the engine has no range left for a network: `docker network prune` and `kind-rs gc` remove unused ones, \
             `default-address-pools` in daemon.json adds some, and without KIND_TEST_NETWORKS=engine clusters need none of them",
        )
    } else if has("no space left on device") {
        Some("the engine's disk is full: `docker system df` shows by what")
    } else {
        None
    }
}
