//! Clients that speak as a service account, and which rights what they asked for needs.
//!
//! Who grants them is the cluster: nothing is checked here.

mod asked;
mod handle;
mod layer;
mod rules;

pub use handle::Acting;
pub use rules::RulesUsed;
