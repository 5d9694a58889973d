//! Why a snapshot cannot be made, found or used.

use kind_engine::{CommandError, EngineError};

use crate::{
    inventory::FindError,
    power::PowerError,
    spec::{ClusterName, Instance},
};

/// A snapshot cannot be made, found or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// There is no such cluster.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Nodes could not be frozen, or stay frozen.
    #[error(transparent)]
    Power(#[from] PowerError),
    /// A command in a node.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A node does not run.
    #[error(
        "make a snapshot of cluster {cluster}: {containers} do not run; `kind-rs start cluster --name {cluster}` starts them"
    )]
    NotRunning {
        /// The cluster.
        cluster: ClusterName,
        /// The containers, with their states.
        containers: String,
    },
    /// It has something that a snapshot does not hold.
    #[error("make a snapshot of cluster {cluster}: it has {what}, which a snapshot does not hold")]
    Holds {
        /// The cluster.
        cluster: ClusterName,
        /// What it has.
        what: String,
    },
    /// Its nodes do not say how they were made.
    #[error(
        "make a snapshot of cluster {cluster}: its nodes do not say how they were made; another tool or another version of kind-rs made it, so create it anew with this one"
    )]
    Unknown {
        /// The cluster.
        cluster: ClusterName,
    },
    /// A node's image does not say what a container of it starts with.
    #[error("make a snapshot of node {node}: its image names no command that a node starts with")]
    NoCommand {
        /// The node.
        node: String,
    },
    /// The name is taken.
    #[error("make snapshot {name}: there is one of that name; `kind-rs snapshot delete {name}` removes it")]
    Taken {
        /// The name.
        name: ClusterName,
    },
    /// There is none of that name.
    #[error("find snapshot {name}: there is none on this engine; `kind-rs snapshot list` shows those that exist")]
    Missing {
        /// The name.
        name: ClusterName,
    },
    /// The one that a cluster is to be a clone of is not there any more.
    #[error("find the snapshot that the cluster is to be a clone of ({id}): somebody removed it")]
    Gone {
        /// Which making.
        id: Instance,
    },
    /// Some of its images are gone.
    #[error(
        "use snapshot {name}: of its {expected} images this engine has {found}; `kind-rs snapshot delete {name}` removes what is left"
    )]
    Incomplete {
        /// The name.
        name: ClusterName,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Its certificates are no longer valid.
    #[error("use snapshot {name}: its certificates expired {days} days ago; make it anew from a new cluster")]
    Expired {
        /// The name.
        name: ClusterName,
        /// How long ago, in days.
        days: u64,
    },
    /// Its description cannot be read.
    #[error(
        "use snapshot {name}: image {image} does not say what it is; another version of kind-rs made it, so make it anew"
    )]
    Unreadable {
        /// The name.
        name: ClusterName,
        /// The image.
        image: String,
    },
    /// It is another architecture's.
    #[error("use snapshot {name}: its nodes are for {found}, and this engine's machine is {expected}")]
    Architecture {
        /// The name.
        name: ClusterName,
        /// The images'.
        found: String,
        /// The engine's.
        expected: String,
    },
    /// A file on this machine.
    #[error("read what snapshot {name} holds")]
    File {
        /// The name.
        name: ClusterName,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}
