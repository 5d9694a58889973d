//! What is wanted: plain data without I/O. Making it real is `provision`'s work, turning it into text `render`'s.

mod addresses;
mod cluster;
mod config;
mod extras;
mod family;
mod instance;
mod labels;
mod mounts;
mod names;
mod patches;
mod pools;
mod proxy;
mod ranges;
mod shape;
mod validate;

pub use addresses::{AddressPlan, Addresses, LOAD_BALANCER_PORT};
pub use cluster::{ClusterSpec, KubeProxyMode, Networking, NodeSpec, Role};
pub use config::{ConfigError, FieldPath, Mistake, Problem};
pub(crate) use config::{check_label, nearest};
pub use extras::{Manifest, Mirror, Registry, Taint, TaintEffect};
pub use family::IpFamily;
pub use instance::Instance;
pub use labels::{
    LABEL_CLUSTER, LABEL_CONTAINER, LABEL_INSTANCE, LABEL_MANAGED, LABEL_NODE, LABEL_OWNER, LABEL_ROLE, LABEL_SCOPE,
    LABEL_STATE, ROLE_LOAD_BALANCER, ROLE_REGISTRY, cluster_filter, cluster_labels, instance_labels, is_node,
    is_role_of_node,
};
pub(crate) use labels::{ROLE_SNAPSHOT, node_name_of};
#[cfg(test)]
pub(crate) use mounts::OF_NODES as MOUNTS_OF_NODES;
pub(crate) use names::is_name_in;
pub use names::{ClusterName, NameError, NameTooLong, NodeName};
pub use patches::{ContainerdPatches, DocumentKind, JsonPatch, KubeadmPatches, MergePatch};
pub use pools::{NetworkPools, PoolsError};
pub(crate) use pools::{meet, part_of_containers};
pub use proxy::Proxy;
pub use shape::Shape;
pub use validate::SpecError;
