//! Whether a specification's patches can be applied, before there is a cluster to apply them to.

use super::{
    PatchError,
    containerd::containerd,
    kubeadm::{ClusterText, NodeText, kubeadm},
};
use crate::spec::{AddressPlan, ClusterName, ClusterSpec, Role};

/// Every patch that cannot be applied, each once.
pub(crate) fn check_patches(spec: &ClusterSpec) -> Vec<PatchError> {
    let mut found: Vec<PatchError> = Vec::new();
    let mut add = |error: PatchError| {
        if !found.contains(&error) {
            found.push(error);
        }
    };
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
        if let Err(error) = kubeadm(&cluster, &node) {
            add(error);
        }
    }
    // What nodes of ours have; what another image has only shows when it runs.
    if let Err(error) = containerd(kind_images::containerd_configuration(), &spec.containerd_patches) {
        add(error);
    }
    found
}
