//! Changes that a user makes to what nodes read: as data. Applying them is `render`'s work.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The documents of a node's kubeadm file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DocumentKind {
    /// What the cluster's control planes have in common.
    ClusterConfiguration,
    /// What `kubeadm init` reads.
    InitConfiguration,
    /// What `kubeadm join` reads.
    JoinConfiguration,
    /// The kubelet's own settings.
    KubeletConfiguration,
    /// kube-proxy's own settings.
    KubeProxyConfiguration,
}

impl DocumentKind {
    /// Every kind, by name.
    pub const ALL: &[(&str, Self)] = &[
        ("ClusterConfiguration", Self::ClusterConfiguration),
        ("InitConfiguration", Self::InitConfiguration),
        ("JoinConfiguration", Self::JoinConfiguration),
        ("KubeletConfiguration", Self::KubeletConfiguration),
        ("KubeProxyConfiguration", Self::KubeProxyConfiguration),
    ];

    /// The `apiVersion` that nodes' documents of this kind have.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::KubeletConfiguration => "kubelet.config.k8s.io/v1beta1",
            Self::KubeProxyConfiguration => "kubeproxy.config.k8s.io/v1alpha1",
            _ => "kubeadm.k8s.io/v1beta4",
        }
    }

    /// Versions of this kind that other releases of kubeadm read. Files that are meant for several releases have patches
    /// for several versions; those for others than [`DocumentKind::api_version`] are left out.
    pub fn other_versions(self) -> &'static [&'static str] {
        match self {
            Self::KubeletConfiguration | Self::KubeProxyConfiguration => &[],
            _ => &["kubeadm.k8s.io/v1beta1", "kubeadm.k8s.io/v1beta2", "kubeadm.k8s.io/v1beta3"],
        }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Patches of kubeadm's documents, of the whole cluster or of one node. Merge patches come first, as in kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KubeadmPatches {
    /// Merge patches, in order.
    pub merge: Vec<MergePatch>,
    /// JSON patches, in order.
    pub json: Vec<JsonPatch>,
}

impl KubeadmPatches {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.merge.is_empty() && self.json.is_empty()
    }

    /// Whether a document of this kind is changed.
    pub fn concern(&self, kind: DocumentKind) -> bool {
        self.merge.iter().any(|patch| patch.kind == kind && !patch.is_for_others())
            || self.json.iter().any(|patch| patch.kind == kind && !patch.is_for_others())
    }
}

/// A merge patch (RFC 7386) of one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergePatch {
    /// The version it is written for; `None` for whichever there is.
    pub api_version: Option<String>,
    /// The document.
    pub kind: DocumentKind,
    /// The fields to set; null takes a field away.
    pub content: Value,
}

impl MergePatch {
    /// Whether it is written for another release's documents.
    pub fn is_for_others(&self) -> bool {
        is_for_others(self.kind, self.api_version.as_deref())
    }
}

/// A JSON patch (RFC 6902) of one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonPatch {
    /// The version it is written for; `None` for whichever there is.
    pub api_version: Option<String>,
    /// The document.
    pub kind: DocumentKind,
    /// The operations, in order.
    pub operations: json_patch::Patch,
}

impl JsonPatch {
    /// Whether it is written for another release's documents.
    pub fn is_for_others(&self) -> bool {
        is_for_others(self.kind, self.api_version.as_deref())
    }
}

fn is_for_others(kind: DocumentKind, api_version: Option<&str>) -> bool {
    api_version.is_some_and(|version| version != kind.api_version())
}

/// Patches of containerd's configuration. Merge patches come first, as in kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ContainerdPatches {
    /// TOML texts to merge in, in order.
    pub merge: Vec<String>,
    /// JSON patches (RFC 6902) of the result, in order.
    pub json: Vec<json_patch::Patch>,
}

impl ContainerdPatches {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.merge.is_empty() && self.json.is_empty()
    }
}
