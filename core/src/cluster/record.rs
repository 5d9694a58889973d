//! What has to be known of a cluster to use it from any process: plain data that goes into the state file.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::spec::{ClusterName, Instance, NodeName, Role};

/// A cluster that is up.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterRecord {
    /// The cluster's name.
    pub name: ClusterName,
    /// The creation that made it; nothing for one that others made.
    #[serde(default)]
    pub instance: Option<Instance>,
    /// The node image's reference.
    pub image: String,
    /// The Kubernetes version, such as `v1.37.2`.
    pub kubernetes_version: String,
    /// The nodes in the order of the specification.
    pub nodes: Vec<NodeRecord>,
    /// The load balancer's container, where there is one.
    pub load_balancer: Option<NodeName>,
    /// The port of the cluster's registry on the host, where it has one.
    #[serde(default)]
    pub registry: Option<u16>,
    /// The API as the engine's host reaches it, such as `https://127.0.0.1:40123`.
    pub server: String,
    /// The place (boot and network) that was seen to reach `server`; elsewhere it may lead nowhere, as where the engine is
    /// another machine's.
    #[serde(default)]
    pub reached_from: Option<String>,
    /// The administrator's kubeconfig for the host. It holds a private key.
    pub kubeconfig: String,
    /// Seconds since 1970 when the cluster was ready.
    pub created: u64,
}

/// A node of a cluster that is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NodeRecord {
    /// What Kubernetes calls the node.
    pub name: NodeName,
    /// What the engine calls it, where that is another name: a clone's nodes keep the names of its source's.
    #[serde(default)]
    pub container: Option<NodeName>,
    /// Control plane or worker.
    pub role: Role,
    /// Its address inside the cluster's network.
    pub address: IpAddr,
    /// Its IPv6 address, where the cluster has both families.
    #[serde(default)]
    pub secondary_address: Option<IpAddr>,
}

impl NodeRecord {
    /// A node that the engine knows by its own name.
    pub fn new(name: NodeName, role: Role, address: IpAddr) -> Self {
        Self { name, container: None, role, address, secondary_address: None }
    }

    /// What the engine calls the node.
    pub fn container(&self) -> &NodeName {
        self.container.as_ref().unwrap_or(&self.name)
    }
}

impl ClusterRecord {
    /// What is known of a cluster that was not made here: where its API is, and as who it is asked.
    pub fn existing(name: ClusterName, server: String, kubeconfig: String) -> Self {
        Self {
            name,
            instance: None,
            image: String::new(),
            kubernetes_version: String::new(),
            nodes: Vec::new(),
            load_balancer: None,
            registry: None,
            server,
            reached_from: None,
            kubeconfig,
            created: 0,
        }
    }

    /// The nodes' names, which are also those that Kubernetes knows them by.
    pub fn node_names(&self) -> Vec<&str> {
        self.nodes.iter().map(|node| node.name.as_str()).collect()
    }
}

impl fmt::Debug for ClusterRecord {
    // The kubeconfig is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterRecord")
            .field("name", &self.name)
            .field("image", &self.image)
            .field("nodes", &self.nodes)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
