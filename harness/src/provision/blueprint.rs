//! What a caller hands to bring-up.

use std::{path::PathBuf, time::Duration};

use kind_engine::Labels;

use super::Deadline;
use crate::spec::{ClusterName, ClusterSpec, NetworkPools, Proxy};

/// A cluster to be made.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// Its name; nothing of that name may exist yet.
    pub name: ClusterName,
    /// Its shape.
    pub spec: ClusterSpec,
    /// The node image for nodes that name none. It must be on the engine already.
    pub image: String,
    /// The image whose nginx balances the load; `None` for the node image itself, which has one.
    pub load_balancer_image: Option<String>,
    /// Labels for everything that is created, on top of the cluster's own.
    pub labels: Labels,
    /// Whether to leave the containers of a failed bring-up for a look.
    pub retain: bool,
    /// How long to wait until all nodes are Ready, DNS answers and storage is up; `None` to return as soon as every
    /// node has joined.
    pub wait: Option<Duration>,
    /// When all of it has to be done; steps then have no limits of their own that are shorter.
    pub deadline: Option<Deadline>,
    /// Where the range of its network comes from.
    pub pools: NetworkPools,
    /// The proxies that nodes are told of.
    pub proxy: Proxy,
    /// Where the logs of a failed bring-up go.
    pub logs: PathBuf,
}
