//! Tests of `kubeadm`: whole documents, and what patches do to them.

use super::*;
use crate::spec::{AddressPlan, ClusterName, JsonPatch, MergePatch};

fn cluster(spec: ClusterSpec) -> ClusterText {
    let name = ClusterName::new("demo").unwrap();
    let control_planes = spec.of_role(Role::ControlPlane).count();
    ClusterText {
        name: name.to_string(),
        kubernetes_version: "v1.37.2".into(),
        endpoint: AddressPlan::of(&spec.networking).load_balancer().primary,
        certificate_names: vec!["localhost".into(), "127.0.0.1".into()],
        token: "abcdef.0123456789abcdef".into(),
        control_planes: (0..control_planes)
            .map(|index| (name.node(Role::ControlPlane, index), AddressPlan::of(&spec.networking).node(index).primary))
            .collect(),
        schedule_on_control_planes: spec.nodes.len() == 1,
        spec,
    }
}

fn node(role: Role, index: usize) -> NodeText {
    let name = ClusterName::new("demo").unwrap().node(role, index);
    NodeText {
        name,
        role,
        addresses: AddressPlan::of(&crate::spec::Networking::default()).node(index),
        labels: BTreeMap::new(),
        taints: None,
        position: index,
        patches: KubeadmPatches::default(),
        skip_init: vec!["preflight"],
        skip_join: vec!["preflight", "etcd-join"],
    }
}

#[test]
fn golden_for_a_highly_available_cluster() {
    let cluster = cluster(ClusterSpec::default());
    let control_plane = kubeadm(&cluster, &node(Role::ControlPlane, 1)).unwrap();
    kind_testkit::assert_golden("tests/golden/kubeadm-control-plane.yaml", &control_plane);
    kind_testkit::assert_golden("tests/golden/discovery.yaml", &discovery(&cluster, "authority"));
}

#[test]
fn golden_for_a_worker_with_every_option() {
    let mut spec = ClusterSpec::default();
    spec.feature_gates.insert("SomeGate".into(), true);
    spec.runtime_config.insert("api/alpha".into(), "true".into());
    spec.networking.kube_proxy_mode = KubeProxyMode::Nftables;
    let mut worker = node(Role::Worker, 0);
    worker.labels.insert("tier".into(), "test".into());
    kind_testkit::assert_golden("tests/golden/kubeadm-worker.yaml", &kubeadm(&cluster(spec), &worker).unwrap());
}

#[test]
fn golden_for_ipv6_and_for_both_families() {
    for (family, file) in [(IpFamily::Ipv6, "ipv6"), (IpFamily::Dual, "dual")] {
        let mut spec = ClusterSpec::default();
        spec.networking = crate::spec::Networking::of_family(family);
        let mut node = node(Role::ControlPlane, 0);
        node.addresses = AddressPlan::of(&spec.networking).node(0);
        let text = kubeadm(&cluster(spec), &node).unwrap();
        kind_testkit::assert_golden(format!("tests/golden/kubeadm-{file}.yaml"), &text);
    }
}

#[test]
fn with_nftables_node_ports_are_answered_wherever_they_arrive() {
    let of = |networking: crate::spec::Networking, patch: &str| {
        let mut spec = ClusterSpec { networking, ..ClusterSpec::default() };
        spec.kubeadm_patches.merge.push(merge(DocumentKind::KubeProxyConfiguration, patch));
        document(&cluster(spec), &node(Role::ControlPlane, 0), DocumentKind::KubeProxyConfiguration)
    };
    let networking = |ip_family, kube_proxy_mode| {
        let defaults = crate::spec::Networking::of_family(ip_family);
        crate::spec::Networking { kube_proxy_mode, ..defaults }
    };
    let addresses = |family, mode, patch| of(networking(family, mode), patch)["nodePortAddresses"].clone();
    let (v4, v6) = (json!(["0.0.0.0/0"]), json!(["::/0"]));
    assert_eq!(addresses(IpFamily::Ipv4, KubeProxyMode::Nftables, "{}"), v4);
    assert_eq!(addresses(IpFamily::Ipv6, KubeProxyMode::Nftables, "{}"), v6);
    assert_eq!(addresses(IpFamily::Dual, KubeProxyMode::Nftables, "{}"), json!(["0.0.0.0/0", "::/0"]));
    assert_eq!(addresses(IpFamily::Ipv4, KubeProxyMode::Iptables, "{}"), Value::Null);
    // A patch chooses the mode, or the addresses, or wants kube-proxy's own.
    assert_eq!(addresses(IpFamily::Ipv4, KubeProxyMode::Iptables, "mode: nftables"), v4);
    let primary = "nodePortAddresses: [primary]";
    assert_eq!(addresses(IpFamily::Ipv4, KubeProxyMode::Nftables, primary), json!(["primary"]));
    assert_eq!(addresses(IpFamily::Ipv4, KubeProxyMode::Nftables, "nodePortAddresses: null"), Value::Null);
}

#[test]
fn taints_of_a_node_take_the_place_of_the_usual_ones() {
    let mut node = node(Role::ControlPlane, 0);
    node.taints =
        Some(vec![Taint { key: "gpu".into(), value: "a".into(), effect: crate::spec::TaintEffect::NoSchedule }]);
    let text = kubeadm(&cluster(ClusterSpec::default()), &node).unwrap();
    assert_eq!(text.matches("taints:\n  - effect: NoSchedule\n    key: gpu\n    value: a\n").count(), 2, "{text}");
    node.taints = Some(Vec::new());
    let text = kubeadm(&cluster(ClusterSpec::default()), &node).unwrap();
    assert_eq!(text.matches("taints: []").count(), 2, "{text}");
}

#[test]
fn the_only_node_takes_workloads() {
    let text = kubeadm(&cluster(ClusterSpec::single_node()), &node(Role::ControlPlane, 0)).unwrap();
    assert!(text.contains("taints: []"), "{text}");
}

fn merge(kind: DocumentKind, text: &str) -> MergePatch {
    MergePatch { api_version: None, kind, content: serde_yaml::from_str(text).unwrap() }
}

fn json(kind: DocumentKind, text: &str) -> JsonPatch {
    JsonPatch { api_version: None, kind, operations: serde_json::from_str(text).unwrap() }
}

/// The document of that kind that a node reads.
fn document(cluster: &ClusterText, node: &NodeText, kind: DocumentKind) -> Value {
    let text = kubeadm(cluster, node).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text);
    let mut documents = documents.map(|document| serde::Deserialize::deserialize(document).unwrap());
    documents.find(|document: &Value| document["kind"] == kind.to_string()).unwrap()
}

#[test]
fn merge_patches_keep_what_the_cluster_needs() {
    let mut spec = ClusterSpec::single_node();
    let patch = "{apiServer: {certSANs: [my.host, localhost], extraArgs: {v: 5, audit-log-path: /x}}, etcd: {local: \
                 {extraArgs: [{name: quota, value: '1'}]}}, scheduler: null, networking: {dnsDomain: my.local}}";
    spec.kubeadm_patches.merge.push(merge(DocumentKind::ClusterConfiguration, patch));
    let found = document(&cluster(spec), &node(Role::ControlPlane, 0), DocumentKind::ClusterConfiguration);
    assert_eq!(found["apiServer"]["certSANs"], serde_json::json!(["localhost", "127.0.0.1", "my.host"]));
    let arguments = serde_json::json!([{"name": "audit-log-path", "value": "/x"}, {"name": "v", "value": "5"}]);
    assert_eq!(found["apiServer"]["extraArgs"], arguments);
    let members: Vec<&Value> =
        found["etcd"]["local"]["extraArgs"].as_array().unwrap().iter().map(|item| &item["name"]).collect();
    assert_eq!(members, ["initial-cluster", "initial-cluster-state", "quota"]);
    assert_eq!(found.get("scheduler"), None);
    assert_eq!(found["networking"]["podSubnet"], "10.244.0.0/16");
}

#[test]
fn arguments_are_replaced_by_name_and_null_takes_them_away() {
    let mut spec = ClusterSpec::single_node();
    let patch = "controllerManager: {extraArgs: {enable-hostpath-provisioner: null, kube-api-burst: '1'}}";
    spec.kubeadm_patches.merge.push(merge(DocumentKind::ClusterConfiguration, patch));
    let found = document(&cluster(spec), &node(Role::ControlPlane, 0), DocumentKind::ClusterConfiguration);
    let arguments = found["controllerManager"]["extraArgs"].as_array().unwrap();
    let values = |name: &str| -> Vec<&Value> {
        arguments.iter().filter(|one| one["name"] == name).map(|one| &one["value"]).collect()
    };
    assert_eq!(values("kube-api-burst"), ["1"]);
    assert_eq!(values("enable-hostpath-provisioner"), Vec::<&Value>::new());
    assert_eq!(values("kube-api-qps"), ["200"], "what no patch names stays");
}

#[test]
fn the_clusters_patches_come_before_the_nodes_and_merging_before_json() {
    let mut spec = ClusterSpec::single_node();
    let kind = DocumentKind::KubeProxyConfiguration;
    spec.kubeadm_patches.json.push(json(kind, r#"[{"op": "replace", "path": "/mode", "value": "2"}]"#));
    spec.kubeadm_patches.merge.push(merge(kind, "mode: '1'"));
    let mut node = node(Role::ControlPlane, 0);
    assert_eq!(document(&cluster(spec.clone()), &node, kind)["mode"], "2");
    node.patches.json.push(json(kind, r#"[{"op": "test", "path": "/mode", "value": "3"}]"#));
    node.patches.merge.push(merge(kind, "mode: '3'"));
    assert_eq!(document(&cluster(spec), &node, kind)["mode"], "3");
}

#[test]
fn patches_for_other_releases_are_left_out() {
    let mut spec = ClusterSpec::single_node();
    let mut patch = merge(DocumentKind::ClusterConfiguration, "clusterName: other");
    patch.api_version = Some("kubeadm.k8s.io/v1beta3".into());
    spec.kubeadm_patches.merge.push(patch.clone());
    let node = node(Role::ControlPlane, 0);
    assert_eq!(document(&cluster(spec.clone()), &node, patch.kind)["clusterName"], "demo");
    spec.kubeadm_patches.merge[0].api_version = Some("kubeadm.k8s.io/v1beta4".into());
    assert_eq!(document(&cluster(spec), &node, patch.kind)["clusterName"], "other");
}

#[test]
fn further_control_planes_are_registered_as_nodes_that_join() {
    let mut spec = ClusterSpec::default();
    let label = |label: &str| format!("nodeRegistration: {{kubeletExtraArgs: {{node-labels: {label}}}}}");
    spec.kubeadm_patches.merge.push(merge(DocumentKind::InitConfiguration, &label("at=init")));
    spec.kubeadm_patches.merge.push(merge(DocumentKind::JoinConfiguration, &label("at=join")));
    let cluster = cluster(spec);
    for (index, expected) in [(0, "at=init"), (1, "at=join")] {
        let init = document(&cluster, &node(Role::ControlPlane, index), DocumentKind::InitConfiguration);
        let arguments = init["nodeRegistration"]["kubeletExtraArgs"].as_array().unwrap();
        assert!(arguments.contains(&serde_json::json!({"name": "node-labels", "value": expected})), "{arguments:?}");
    }
}

#[test]
fn labels_of_a_patch_come_on_top_of_the_nodes() {
    let mut spec = ClusterSpec::single_node();
    let patch = "nodeRegistration: {kubeletExtraArgs: {node-labels: ingress-ready=true}}";
    spec.kubeadm_patches.merge.push(merge(DocumentKind::InitConfiguration, patch));
    let mut node = node(Role::ControlPlane, 0);
    node.labels.insert("tier".into(), "front".into());
    let init = document(&cluster(spec), &node, DocumentKind::InitConfiguration);
    let expected = serde_json::json!({"name": "node-labels", "value": "tier=front,ingress-ready=true"});
    let arguments = init["nodeRegistration"]["kubeletExtraArgs"].as_array().unwrap();
    assert!(arguments.contains(&expected), "{arguments:?}");
}

#[test]
fn gates_of_a_patch_come_on_top() {
    let mut spec = ClusterSpec::single_node();
    spec.feature_gates = [("A".to_owned(), true), ("B".to_owned(), true)].into();
    spec.runtime_config = [("api/all".to_owned(), "true".to_owned())].into();
    let patch = "apiServer: {extraArgs: {feature-gates: 'B=false,C=true', runtime-config: apps/v1=false}}";
    spec.kubeadm_patches.merge.push(merge(DocumentKind::ClusterConfiguration, patch));
    let document = document(&cluster(spec), &node(Role::ControlPlane, 0), DocumentKind::ClusterConfiguration);
    let value = |component: &str, name: &str| {
        let arguments = document[component]["extraArgs"].as_array().unwrap().clone();
        arguments.iter().find(|argument| argument["name"] == name).map(|argument| argument["value"].clone())
    };
    assert_eq!(value("apiServer", "feature-gates").unwrap(), "A=true,B=false,C=true");
    assert_eq!(value("apiServer", "runtime-config").unwrap(), "api/all=true,apps/v1=false");
    assert_eq!(value("scheduler", "feature-gates").unwrap(), "A=true,B=true");
}

#[test]
fn skipped_phases_are_added_to_ours() {
    let mut spec = ClusterSpec::single_node();
    spec.kubeadm_patches.merge.push(merge(DocumentKind::InitConfiguration, "skipPhases: [addon/kube-proxy]"));
    let init = document(&cluster(spec), &node(Role::ControlPlane, 0), DocumentKind::InitConfiguration);
    assert_eq!(init["skipPhases"], serde_json::json!(["preflight", "addon/kube-proxy"]));
}

#[test]
fn a_nodes_own_kubelet_patches_are_files_for_kubeadm() {
    let cluster = cluster(ClusterSpec::default());
    let mut node = node(Role::Worker, 0);
    assert_eq!(crate::render::kubelet_patches(&node), []);
    let kind = DocumentKind::KubeletConfiguration;
    node.patches.json.push(json(kind, r#"[{"op": "add", "path": "/maxPods", "value": 20}]"#));
    node.patches.merge.push(merge(kind, "{kind: KubeletConfiguration, maxPods: 10}"));
    let files = crate::render::kubelet_patches(&node);
    let texts: Vec<String> =
        files.iter().map(|file| format!("{}\n{}", file.path, String::from_utf8_lossy(&file.content))).collect();
    assert_eq!(
        texts,
        [
            "/kind/patches/kubeletconfiguration000+merge.yaml\nkind: KubeletConfiguration\nmaxPods: 10\n",
            "/kind/patches/kubeletconfiguration001+json.yaml\n- op: add\n  path: /maxPods\n  value: 20\n",
        ]
    );
    assert_eq!(document(&cluster, &node, kind).get("maxPods"), None, "other nodes would get it, too");
    assert_eq!(document(&cluster, &node, DocumentKind::JoinConfiguration)["patches"]["directory"], "/kind/patches");
    node.patches.merge.push(merge(DocumentKind::JoinConfiguration, "patches: {directory: /mine}"));
    let error = kubeadm(&cluster, &node).unwrap_err().to_string();
    assert!(error.starts_with("nodes[0].kubeadmConfigPatches: ") && error.contains("one folder only"), "{error}");
}

#[test]
fn a_json_patch_that_does_not_fit_is_named() {
    let mut spec = ClusterSpec::single_node();
    let patch = json(DocumentKind::ClusterConfiguration, r#"[{"op": "remove", "path": "/nothing"}]"#);
    spec.kubeadm_patches.json.push(patch);
    let error = kubeadm(&cluster(spec), &node(Role::ControlPlane, 0)).unwrap_err().to_string();
    assert!(
        error.starts_with("kubeadmConfigPatchesJSON6902[0].patch: cannot be applied to ClusterConfiguration"),
        "{error}"
    );
}
