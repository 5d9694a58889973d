//! Services and pods of a cluster under an address of this machine: a listener on the loopback whose connections go through
//! the engine, each to a `socat` that the engine runs in a node.
//!
//! The way to the cluster's own API, where the engine's published ports do not lead here, is in `cluster`.

mod error;
mod resolve;
mod serve;
mod target;

#[cfg(test)]
mod tests;

pub use error::ReachError;
pub(crate) use serve::open;
pub use target::Port;
pub(crate) use target::Target;
