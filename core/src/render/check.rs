//! Whether a specification's patches can be applied and are read, before there is a cluster to apply them to.

use serde_json::Value;

use super::{
    PatchError,
    containerd::{containerd, left_out},
    kubeadm::{ClusterText, NodeText, documents},
    kubelet::check_processors,
    readers::{spare_patches, unread},
};
use crate::spec::{AddressPlan, ClusterName, ClusterSpec, DocumentKind, KubeadmPatches, Role};

/// Folders of a node that are in its memory.
const IN_MEMORY: [&str; 4] = ["/tmp", "/run", "/dev/shm", "/var/run"];

/// Every patch that cannot be applied or that no node reads, each once.
pub(crate) fn check_patches(spec: &ClusterSpec) -> Vec<PatchError> {
    let mut found: Vec<PatchError> = unread(spec);
    let mut add = |error: PatchError| {
        if !found.contains(&error) {
            found.push(error);
        }
    };
    for (node, documents) in all_documents(spec) {
        if let Err(error) = documents.and_then(|documents| check_kubelet(spec, &node, &documents)) {
            add(error);
        }
    }
    // What nodes of ours have; what another image has only shows when it runs.
    if let Err(error) = containerd(kind_images::containerd_configuration(), &spec.containerd_patches) {
        add(error);
    }
    found
}

/// What a reader may not expect of patches that can be applied.
pub(crate) fn remarks(spec: &ClusterSpec) -> Vec<String> {
    let mut remarks = spare_patches(spec);
    remarks.extend(left_out(&spec.containerd_patches));
    for (node, documents) in all_documents(spec) {
        let Ok([cluster, ..]) = documents else { continue };
        let folder = cluster["etcd"]["local"]["dataDir"].as_str().unwrap_or_default();
        let is_below =
            |parent: &str| folder.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let is_mounted = spec.nodes[node.position].extra_mounts.iter().any(|mount| is_below(&mount.target));
        if node.role == Role::ControlPlane && !is_mounted && IN_MEMORY.into_iter().any(is_below) {
            remarks.push(format!(
                "etcd keeps its data in the nodes' memory ({folder}): a control plane that is stopped or restarted has \
                 lost it and does not come back, and with the last one the cluster is lost"
            ));
            break;
        }
    }
    remarks
}

/// Every node's documents, with the names and addresses of some cluster.
fn all_documents(spec: &ClusterSpec) -> Vec<(NodeText, Result<[Value; 5], PatchError>)> {
    let addresses = AddressPlan::of(&spec.networking).load_balancer();
    let name = ClusterName::new("kind").expect("kind's default name is valid");
    let control_planes = spec.of_role(Role::ControlPlane).enumerate();
    let cluster = ClusterText {
        name: name.to_string(),
        kubernetes_version: "v1.0.0".to_owned(),
        endpoint: addresses.primary,
        certificate_names: vec!["localhost".to_owned()],
        token: String::new(),
        control_planes: control_planes
            .map(|(index, _)| (name.node(Role::ControlPlane, index), addresses.primary))
            .collect(),
        schedule_on_control_planes: true,
        spec: spec.clone(),
    };
    let mut of_role = [0, 0];
    let mut all = Vec::new();
    for (position, node) in spec.nodes.iter().enumerate() {
        let count = &mut of_role[usize::from(node.role == Role::Worker)];
        let node = NodeText {
            name: name.node(node.role, *count),
            role: node.role,
            addresses,
            labels: node.labels.clone(),
            taints: node.taints.clone(),
            position,
            patches: node.kubeadm_patches.clone(),
            skip_init: vec!["preflight"],
            skip_join: vec!["preflight"],
        };
        *count += 1;
        let documents = documents(&cluster, &node);
        all.push((node, documents));
    }
    all
}

/// What the node's kubelet would end with.
fn check_kubelet(spec: &ClusterSpec, node: &NodeText, documents: &[Value; 5]) -> Result<(), PatchError> {
    let [_, init, join, kubelet, _] = documents;
    // Further control planes have the same registration in both.
    let registration = if node.role == Role::ControlPlane { init } else { join };
    // What a limited node may not use is reserved.
    if spec.nodes[node.position].nano_cpus.is_some() {
        return Ok(());
    }
    check_processors(kubelet, &node.patches, &registration["nodeRegistration"]).map_err(|problem| {
        let node = (node.path(), &node.patches);
        let levels = [node.clone(), (crate::spec::FieldPath::default(), &spec.kubeadm_patches)];
        let cause = levels
            .into_iter()
            .find_map(|(path, patches)| Some(path.field("kubeadmConfigPatches").item(names_policy(patches)?)));
        PatchError::new(cause.unwrap_or(node.0), problem)
    })
}

/// The last merge patch that says how processors are handed out.
fn names_policy(patches: &KubeadmPatches) -> Option<usize> {
    let is_one = |content: &Value| {
        ["cpuManagerPolicy", "cpu-manager-policy"].iter().any(|word| content.to_string().contains(word))
    };
    patches.merge.iter().rposition(|patch| patch.kind != DocumentKind::ClusterConfiguration && is_one(&patch.content))
}
