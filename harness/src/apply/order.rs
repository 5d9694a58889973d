//! What has to be there before what.

use super::items::Item;

/// Kinds by group, in the order in which they are sent. What is not here comes between the last two.
const ORDER: [&[(&str, &str)]; 9] = [
    &[("", "Namespace")],
    &[("apiextensions.k8s.io", "CustomResourceDefinition")],
    &[
        ("scheduling.k8s.io", "PriorityClass"),
        ("node.k8s.io", "RuntimeClass"),
        ("storage.k8s.io", "StorageClass"),
        ("networking.k8s.io", "IngressClass"),
        ("", "ResourceQuota"),
        ("", "LimitRange"),
        ("networking.k8s.io", "NetworkPolicy"),
    ],
    &[("", "ServiceAccount")],
    &[("rbac.authorization.k8s.io", "ClusterRole"), ("rbac.authorization.k8s.io", "Role")],
    &[("rbac.authorization.k8s.io", "ClusterRoleBinding"), ("rbac.authorization.k8s.io", "RoleBinding")],
    &[("", "Secret"), ("", "ConfigMap"), ("", "PersistentVolume"), ("", "PersistentVolumeClaim")],
    &[("", "Service")],
    &[
        ("", "Pod"),
        ("", "ReplicationController"),
        ("apps", "ReplicaSet"),
        ("apps", "Deployment"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
        ("batch", "Job"),
        ("batch", "CronJob"),
    ],
];
/// These decide about what others send: whoever serves them comes first.
const LAST: [&str; 2] = ["admissionregistration.k8s.io", "apiregistration.k8s.io"];

/// Where the object's kind stands.
pub(super) fn rank(item: &Item) -> usize {
    let kind = (item.group(), item.kind.as_str());
    if LAST.contains(&kind.0) {
        return ORDER.len() + 1;
    }
    ORDER.iter().position(|kinds| kinds.contains(&kind)).unwrap_or(ORDER.len())
}

pub(super) fn is_definition(item: &Item) -> bool {
    item.group() == "apiextensions.k8s.io" && item.kind == "CustomResourceDefinition"
}
