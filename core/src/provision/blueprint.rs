//! What a caller hands to bring-up.

use std::{path::PathBuf, time::Duration};

use kind_engine::Labels;

use super::{Creation, Deadline, Origin};
use crate::spec::{ClusterName, ClusterSpec, NetworkPools, Proxy};

/// A cluster to be made.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// Its name; nothing of that name may exist yet.
    pub name: ClusterName,
    /// Who makes it: everything that is made carries its identity, and nothing else is removed when it fails.
    pub creation: Creation,
    /// Its shape.
    pub spec: ClusterSpec,
    /// The node image for nodes that name none. It must be on the engine already.
    pub image: String,
    /// The snapshot that it is a clone of; `None` to make it anew.
    pub origin: Option<Origin>,
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

impl Blueprint {
    /// Says what will not work as it was meant, and is no reason to make no cluster.
    pub(super) fn remark(&self) {
        for (variable, place) in self.proxy.at_loopback() {
            tracing::warn!(
                "nodes do not reach the proxy of {variable}, {place}: it is at this machine's loopback, and a node has its own; \
                 let it listen on an address of the machine's and name that, or images are pulled into nodes in vain"
            );
        }
    }
}
