//! The handle on a running cluster: nodes, commands, files, images, clients.
//!
//! Nothing here makes or removes a cluster.

mod client;
mod handle;
mod load;
mod node;
mod record;
mod servers;

pub use client::client_config;
pub(crate) use client::client_of;
pub use handle::{Cluster, ClusterError};
pub use node::Node;
pub use record::{ClusterRecord, NodeRecord};
pub(crate) use servers::api_servers;
