//! Ports of this process under an address of the cluster: a listener where nodes and pods reach it, whose connections are
//! passed on to this machine's own.
//!
//! Where the cluster's network is one of this machine's, that is its gateway's address. Elsewhere it is a port of a node, whose
//! connections come through the engine. The other way, into the cluster, is in `reach`.

mod direct;
mod error;
mod relay;
mod serve;

#[cfg(test)]
mod tests;

pub use error::ExposeError;
pub(crate) use serve::open;
