//! What stands in for a cluster.

mod server;

pub(crate) use server::serve;
