//! Waiting for a condition. Nothing else in the workspace sleeps, and nothing here sleeps without a condition.

mod conditions;
mod definitions;
mod poll;

pub use conditions::{deployment_available, nodes_ready, pod_running, words_of_api};
pub(crate) use conditions::{look_at_nodes, look_at_registration, look_at_service};
pub(crate) use definitions::refusal;
pub use definitions::{ApiServer, look_at_definitions};
pub use poll::{Check, Pace, WaitError, until, until_every, until_or};
