//! Which of kubeadm's documents a node reads. A patch of another one would be dropped without a word.
//!
//! The first control plane is made by `kubeadm init`; every other node is one that joins. Further control planes are made
//! by `kubeadm init`, too, with what the patched `JoinConfiguration` says (see `kubeadm`), and leave the add-ons to the
//! first.

use super::PatchError;
use crate::spec::{ClusterSpec, DocumentKind, FieldPath, KubeProxyMode, KubeadmPatches, NodeSpec, Role};

/// A patch that is for a document of ours, and its place.
struct Placed {
    kind: DocumentKind,
    path: FieldPath,
}

/// Patches that no node reads, and what is wrong with each.
pub(super) fn unread(spec: &ClusterSpec) -> Vec<PatchError> {
    look(spec).0
}

/// Patches that no node reads and that hurt nobody: beside them is the one for the other way to register a node.
pub(crate) fn spare_patches(spec: &ClusterSpec) -> Vec<String> {
    look(spec).1
}

fn look(spec: &ClusterSpec) -> (Vec<PatchError>, Vec<String>) {
    let (mut errors, mut spare) = (Vec::new(), Vec::new());
    let first = spec.nodes.iter().position(|node| node.role == Role::ControlPlane);
    let reads = |index: usize, kind| reads(spec, &spec.nodes[index], Some(index) == first, kind);
    let all: Vec<usize> = (0..spec.nodes.len()).collect();
    let levels =
        std::iter::once((FieldPath::default(), &spec.kubeadm_patches, all)).chain(spec.nodes.iter().enumerate().map(
            |(index, node)| (FieldPath::default().field("nodes").item(index), &node.kubeadm_patches, vec![index]),
        ));
    for (path, patches, nodes) in levels {
        let placed = placed(&path, patches);
        for patch in &placed {
            if nodes.iter().any(|node| reads(*node, patch.kind)) {
                continue;
            }
            // Files that are meant for nodes of every kind have both, and each node takes its own.
            let other = other_way(patch.kind);
            let is_spare = placed
                .iter()
                .any(|beside| Some(beside.kind) == other && nodes.iter().any(|node| reads(*node, beside.kind)));
            let problem = words(spec, patch.kind, nodes.as_slice(), first);
            if is_spare {
                spare.push(format!("{} is left out: {problem}", patch.path));
            } else {
                errors.push(PatchError::new(patch.path.clone(), problem));
            }
        }
    }
    (errors, spare)
}

fn placed(level: &FieldPath, patches: &KubeadmPatches) -> Vec<Placed> {
    let merge = patches.merge.iter().enumerate().filter(|(_, patch)| !patch.is_for_others());
    let merge = merge.map(|(index, patch)| (patch.kind, level.field("kubeadmConfigPatches").item(index)));
    let json = patches.json.iter().enumerate().filter(|(_, patch)| !patch.is_for_others());
    let json = json.map(|(index, patch)| (patch.kind, level.field("kubeadmConfigPatchesJSON6902").item(index)));
    merge.chain(json).map(|(kind, path)| Placed { kind, path }).collect()
}

/// Whether the node reads its document of that kind.
fn reads(spec: &ClusterSpec, node: &NodeSpec, is_first: bool, kind: DocumentKind) -> bool {
    match kind {
        DocumentKind::InitConfiguration => is_first,
        DocumentKind::JoinConfiguration => !is_first,
        // Every control plane makes its own API server, controller manager, scheduler and etcd of it.
        DocumentKind::ClusterConfiguration => node.role == Role::ControlPlane,
        DocumentKind::KubeletConfiguration => true,
        DocumentKind::KubeProxyConfiguration => is_first && spec.networking.kube_proxy_mode != KubeProxyMode::None,
    }
}

/// The document that says the same for nodes that come into the cluster in the other way.
fn other_way(kind: DocumentKind) -> Option<DocumentKind> {
    match kind {
        DocumentKind::InitConfiguration => Some(DocumentKind::JoinConfiguration),
        DocumentKind::JoinConfiguration => Some(DocumentKind::InitConfiguration),
        _ => None,
    }
}

fn words(spec: &ClusterSpec, kind: DocumentKind, nodes: &[usize], first: Option<usize>) -> String {
    let no_proxy = spec.networking.kube_proxy_mode == KubeProxyMode::None;
    match (kind, nodes) {
        (DocumentKind::KubeProxyConfiguration, _) if no_proxy => {
            "no node reads KubeProxyConfiguration: kubeProxyMode is none".to_owned()
        }
        (DocumentKind::JoinConfiguration, [only]) if Some(*only) == first => {
            "this node does not read JoinConfiguration: it is the first control plane, which nothing has to join; use \
             InitConfiguration"
                .to_owned()
        }
        (DocumentKind::InitConfiguration, [_]) => {
            "this node does not read InitConfiguration: only the first control plane does, the others join; use \
             JoinConfiguration"
                .to_owned()
        }
        (DocumentKind::ClusterConfiguration, [_]) => {
            "a worker does not read ClusterConfiguration: only control planes do; patch it for the whole cluster, or \
             the worker's KubeletConfiguration or JoinConfiguration"
                .to_owned()
        }
        (DocumentKind::KubeProxyConfiguration, [_]) => {
            "this node does not read KubeProxyConfiguration: there is one for the whole cluster, made by the first control \
             plane; patch it at the top of the configuration"
                .to_owned()
        }
        (kind, _) => format!("no node of this cluster reads {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::spec::MergePatch;

    const INIT: DocumentKind = DocumentKind::InitConfiguration;
    const JOIN: DocumentKind = DocumentKind::JoinConfiguration;
    const CLUSTER: DocumentKind = DocumentKind::ClusterConfiguration;
    const PROXY: DocumentKind = DocumentKind::KubeProxyConfiguration;
    const KUBELET: DocumentKind = DocumentKind::KubeletConfiguration;

    fn patches(kinds: &[DocumentKind]) -> KubeadmPatches {
        let patch = |kind: &DocumentKind| MergePatch { api_version: None, kind: *kind, content: serde_json::json!({}) };
        KubeadmPatches { merge: kinds.iter().map(patch).collect(), json: Vec::new() }
    }

    /// A worker, then three control planes: the first control plane need not be the first node.
    fn spec() -> ClusterSpec {
        let mut spec = ClusterSpec::default();
        spec.nodes.rotate_right(1);
        spec
    }

    #[rstest]
    #[case(0, &[INIT], "a nodes[0].kubeadmConfigPatches[0]: this node does not read InitConfiguration")]
    #[case(0, &[JOIN], "")]
    #[case(0, &[KUBELET, CLUSTER], "a nodes[0].kubeadmConfigPatches[1]: a worker does not read ClusterConfiguration")]
    #[case(0, &[PROXY], "a nodes[0].kubeadmConfigPatches[0]: this node does not read KubeProxyConfiguration")]
    #[case(1, &[INIT, CLUSTER, KUBELET, PROXY], "")]
    #[case(1, &[JOIN], "a nodes[1].kubeadmConfigPatches[0]: this node does not read JoinConfiguration")]
    #[case(2, &[JOIN, CLUSTER, KUBELET], "")]
    #[case(2, &[INIT], "a nodes[2].kubeadmConfigPatches[0]: this node does not read InitConfiguration")]
    #[case(2, &[PROXY], "a nodes[2].kubeadmConfigPatches[0]: this node does not read KubeProxyConfiguration")]
    #[case(0, &[INIT, JOIN], "b nodes[0].kubeadmConfigPatches[0] is left out: this node does not read InitConf")]
    #[case(1, &[INIT, JOIN], "b nodes[1].kubeadmConfigPatches[1] is left out: this node does not read JoinConf")]
    fn a_node_reads_its_own(#[case] node: usize, #[case] kinds: &[DocumentKind], #[case] expected: &str) {
        let mut spec = spec();
        spec.nodes[node].kubeadm_patches = patches(kinds);
        assert_eq!(found(&spec).is_empty(), expected.is_empty(), "{}", found(&spec));
        assert!(found(&spec).starts_with(expected), "{}", found(&spec));
    }

    #[rstest]
    #[case(ClusterSpec::default(), &[INIT, JOIN, CLUSTER, KUBELET, PROXY], "")]
    #[case(ClusterSpec::single_node(), &[INIT, CLUSTER, KUBELET, PROXY], "")]
    #[case(ClusterSpec::single_node(), &[JOIN], "a kubeadmConfigPatches[0]: this node does not read JoinConfiguration")]
    #[case(ClusterSpec::single_node(), &[INIT, JOIN], "b kubeadmConfigPatches[1] is left out: this node does not")]
    #[case(ClusterSpec::single_node().workers(1), &[JOIN], "")]
    fn a_patch_of_the_cluster_has_to_reach_some_node(
        #[case] mut spec: ClusterSpec,
        #[case] kinds: &[DocumentKind],
        #[case] expected: &str,
    ) {
        spec.kubeadm_patches = patches(kinds);
        assert_eq!(found(&spec).is_empty(), expected.is_empty(), "{}", found(&spec));
        assert!(found(&spec).starts_with(expected), "{}", found(&spec));
    }

    #[test]
    fn without_kube_proxy_nobody_reads_its_settings() {
        let mut spec = ClusterSpec::default();
        spec.networking.kube_proxy_mode = KubeProxyMode::None;
        spec.kubeadm_patches = patches(&[PROXY]);
        let expected = "a kubeadmConfigPatches[0]: no node reads KubeProxyConfiguration: kubeProxyMode is none";
        assert_eq!(found(&spec), expected);
    }

    #[test]
    fn json_patches_are_looked_at_too_and_those_for_other_releases_are_not() {
        let mut spec = spec();
        let patch = |version: Option<&str>| crate::spec::JsonPatch {
            api_version: version.map(str::to_owned),
            kind: INIT,
            operations: json_patch::Patch(Vec::new()),
        };
        let versions = [Some("kubeadm.k8s.io/v1beta3"), Some("kubeadm.k8s.io/v1beta4"), None];
        spec.nodes[0].kubeadm_patches.json = versions.map(patch).to_vec();
        let paths: Vec<String> = unread(&spec).iter().map(|error| error.path.to_string()).collect();
        assert_eq!(paths, ["nodes[0].kubeadmConfigPatchesJSON6902[1]", "nodes[0].kubeadmConfigPatchesJSON6902[2]"]);
    }

    /// Errors with an `a`, remarks with a `b` in front.
    fn found(spec: &ClusterSpec) -> String {
        let (errors, spare) = look(spec);
        let errors = errors.iter().map(|error| format!("a {error}"));
        errors.chain(spare.iter().map(|remark| format!("b {remark}"))).collect::<Vec<_>>().join("\n")
    }
}
