//! Why something cannot be exposed.

use std::{io, net::SocketAddr};

use kind_core::cluster::ClusterError;

/// A port of this process cannot be reached from the cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExposeError {
    /// It is no address that anything can listen at.
    #[error("expose {local}: expected the address at which something listens in this process, with its port")]
    Port {
        /// The address.
        local: SocketAddr,
    },
    /// The nodes.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The network is no network of this machine, and no node can pass connections on.
    #[error(
        "expose a port to cluster {cluster}: its nodes do not reach this machine, and no running node has `socat`, which passes connections on; the nodes' image is {image}, and those of `kind-rs build node-image` have it"
    )]
    NoSocat {
        /// The cluster.
        cluster: String,
        /// The nodes' image.
        image: String,
    },
    /// The node does not listen.
    #[error("listen on a port of node {node}: {said}")]
    Relay {
        /// The node.
        node: String,
        /// What was said of the last port that was tried.
        said: String,
    },
    /// There is no port or thread on this machine.
    #[error("listen for cluster {cluster}")]
    Listen {
        /// The cluster.
        cluster: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}
