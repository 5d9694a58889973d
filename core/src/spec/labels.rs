//! Labels on everything that is created. Nothing without them is ever removed, but for clusters of the real kind that a
//! user names.
//!
//! Labels alone do not say what a container is: one that somebody starts from an image of a node (`docker commit`) has
//! all labels of that node. `inventory` tells them apart; nothing else may list containers by these labels.

use kind_engine::Labels;

use super::{ClusterName, Instance};

/// The cluster's name; kind's own label, so that `kind get clusters` lists ours.
pub const LABEL_CLUSTER: &str = "io.x-k8s.kind.cluster";
/// The node's role; kind's own label.
pub const LABEL_ROLE: &str = "io.x-k8s.kind.role";
/// Says that an object is ours to remove; its value is the version of these labels.
pub const LABEL_MANAGED: &str = "io.kind-rs.managed";
/// The user who made the cluster, as `uid@host`: two users of one engine do not touch each other's.
pub const LABEL_OWNER: &str = "io.kind-rs.owner";
/// The digest that names who shares the cluster; only on clusters that tests made.
pub const LABEL_SCOPE: &str = "io.kind-rs.scope";
/// Where the locks of a test's cluster are: the identity of its state folder.
pub const LABEL_STATE: &str = "io.kind-rs.state";
/// The creation that made it: two clusters of one name, one after the other, have two.
pub const LABEL_INSTANCE: &str = "io.kind-rs.instance";
/// The name of the very container that carries it. A copy that inherits the label has another name.
pub const LABEL_CONTAINER: &str = "io.kind-rs.container";
/// What Kubernetes calls the node, where its container has another name: a clone's nodes keep the names of its source's.
pub const LABEL_NODE: &str = "io.kind-rs.node";
/// The role of the load balancer's container; as kind's.
pub const ROLE_LOAD_BALANCER: &str = "external-load-balancer";

/// The role of a registry's container.
pub const ROLE_REGISTRY: &str = "registry";

/// The role of a container in which a snapshot of a node is made.
pub(crate) const ROLE_SNAPSHOT: &str = "snapshot";

/// Whether a container with these labels is a node, and none of those beside the nodes.
pub fn is_node(labels: &Labels) -> bool {
    is_role_of_node(labels.get(LABEL_ROLE).map(String::as_str))
}

/// Whether a container with this role is a node; one without a role is.
pub fn is_role_of_node(role: Option<&str>) -> bool {
    role.is_none_or(|role| ![ROLE_LOAD_BALANCER, ROLE_REGISTRY, ROLE_SNAPSHOT].contains(&role))
}

/// What Kubernetes calls the node of a container.
pub(crate) fn node_name_of(container: &kind_engine::ContainerFacts) -> &str {
    container.labels.get(LABEL_NODE).filter(|name| !name.is_empty()).unwrap_or(&container.name)
}

/// The labels of everything that belongs to a cluster; as a filter they find it again.
pub fn cluster_labels(name: &ClusterName) -> Labels {
    Labels::from([(LABEL_CLUSTER.to_owned(), name.to_string()), (LABEL_MANAGED.to_owned(), "1".to_owned())])
}

/// A filter for every container of that name's cluster, also one that the real kind made.
pub fn cluster_filter(name: &ClusterName) -> Labels {
    Labels::from([(LABEL_CLUSTER.to_owned(), name.to_string())])
}

/// A filter for everything that one creation made.
pub fn instance_labels(instance: &Instance) -> Labels {
    Labels::from([(LABEL_INSTANCE.to_owned(), instance.to_string())])
}
