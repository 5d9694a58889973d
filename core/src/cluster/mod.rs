//! The handle on a running cluster: nodes, commands, files, images, clients.
//!
//! Nothing here makes or removes a cluster.

mod client;
mod connected;
mod endpoint;
mod handle;
mod image_notes;
mod kubeconfig_file;
mod load;
mod node;
mod record;
mod servers;
mod tunnel;

pub use client::client_config;
pub use connected::is_connected;
pub use endpoint::client_of;
#[cfg(any(test, feature = "fake"))]
pub(crate) use endpoint::here;
pub(crate) use endpoint::{is_reached, kubeconfig, note_reach, tunnel_to};
pub use handle::{Cluster, ClusterError};
pub use node::Node;
pub use record::{ClusterRecord, NodeRecord};
pub use servers::api_servers;
pub use tunnel::{Route, listen};
