//! Where a cluster's nodes come from: what every node keeps of its creation, and what a clone takes over from its source.

use std::collections::BTreeMap;

use kind_engine::NodeFile;
use serde::{Deserialize, Serialize};

use super::plan::{Plan, PlannedNode};
use crate::spec::{ClusterName, ClusterSpec, Instance, NodeName, Shape};

/// Where a node keeps [`Made`].
pub(crate) const MADE_PATH: &str = "/kind/cluster.json";
/// What kubeadm reads when a clone's API server gets its certificate.
pub(crate) const CLONE_KUBEADM_PATH: &str = "/kind/snapshot/kubeadm.conf";
/// How [`Made`] is written; another number is another version's.
const FORMAT: u32 = 1;

/// What a node keeps of its creation, so that a snapshot of it can be made into nodes again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Made {
    format: u32,
    /// Whose names the nodes have.
    pub(crate) cluster: ClusterName,
    /// The creation.
    pub(crate) instance: Instance,
    /// When the first of its certificates expires, in seconds since 1970.
    pub(crate) expires: i64,
    /// The cluster's own authority, as PEM.
    pub(crate) authority: String,
    shape: Shape,
}

/// What a clone takes over from its source.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The cluster whose names the nodes keep.
    pub(crate) cluster: ClusterName,
    /// The shape, without what the nodes have in them already.
    pub(crate) spec: ClusterSpec,
    /// Each node's image, by the node's name.
    pub(crate) images: BTreeMap<NodeName, String>,
    /// The Kubernetes version.
    pub(crate) kubernetes_version: String,
    /// The authority that the nodes' certificates are checked by, as PEM.
    pub(crate) authority: String,
    /// When the first of its certificates expires, in seconds since 1970.
    pub(crate) expires: i64,
}

impl Made {
    pub(super) fn file(plan: &Plan, authority: &str, expires: i64) -> NodeFile {
        let blueprint = &plan.blueprint;
        let made = Self {
            format: FORMAT,
            cluster: plan.names().clone(),
            instance: blueprint.creation.instance().clone(),
            expires,
            authority: authority.to_owned(),
            shape: Shape::of(&blueprint.spec),
        };
        // A shape may hold a proxy's or registry's password.
        NodeFile::secret(MADE_PATH, serde_json::to_string(&made).expect("plain data with text keys"))
    }

    /// Reads the file; `None` where it is another version's.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|made: &Self| made.format == FORMAT)
    }

    /// The shape, without what a copy of the nodes has in it already.
    pub(crate) fn spec(&self) -> ClusterSpec {
        let mut spec = self.shape.clone().into_spec();
        spec.images.clear();
        spec.manifests.clear();
        spec
    }
}

impl Origin {
    /// The image of a node.
    pub(super) fn image(&self, node: &NodeName) -> Option<&String> {
        self.images.get(node)
    }

    /// The shape of the clone.
    pub fn spec(&self) -> &ClusterSpec {
        &self.spec
    }

    /// The image of the first control plane, which stands for all of them.
    pub fn first_image(&self) -> Option<&String> {
        self.images.values().next()
    }
}

impl PlannedNode {
    /// Whether the container goes by another name than the node.
    pub(super) fn is_renamed(&self) -> bool {
        self.container != self.name
    }
}
