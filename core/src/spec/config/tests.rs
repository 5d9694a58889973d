//! Tables of texts: what they mean, or which mistakes are found where.

use std::path::Path;

use kind_engine::{MountKind, Propagation, Protocol};
use rstest::rstest;

use crate::spec::{ClusterSpec, DocumentKind, IpFamily, KubeProxyMode, Networking, Role};

/// Puts the two lines in front that every configuration has; what follows begins in line 3.
fn with_head(body: &str) -> String {
    format!("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n{body}\n")
}

fn read(body: &str) -> ClusterSpec {
    ClusterSpec::from_yaml(&with_head(body), Path::new("/conf/x.yaml"))
        .unwrap_or_else(|error| panic!("{body}\n{error}"))
}

/// One line for each mistake: `3:1: nodes: found …`.
fn mistakes_of(text: &str) -> Vec<String> {
    let error = ClusterSpec::from_yaml(text, Path::new("x.yaml")).expect_err(text);
    let place =
        |place: Option<(usize, usize)>| place.map_or("?".to_owned(), |(line, column)| format!("{line}:{column}"));
    error.problems.iter().map(|problem| format!("{}: {problem}", place(problem.position))).collect()
}

#[rstest]
#[case::nothing("", &["1:1: found nothing, expected a mapping"])]
#[case::comment("# only\n", &["2:1: found nothing, expected a mapping"])]
#[case::null("~", &["found nothing, expected a mapping with `kind: Cluster`"])]
#[case::list("- a", &["1:1: found a list, expected a mapping with"])]
#[case::word("cluster", &["1:1: found \"cluster\", expected a mapping with"])]
#[case::no_type("name: x", &["1:1: apiVersion: missing, expected kind.x-k8s.io/v1alpha4", "1:1: kind: missing, expected Cluster"])]
#[case::old_version("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha3\nrubbish: 1", &["2:13: apiVersion: found \"kind.x-k8s.io/v1alpha3\", expected kind.x-k8s.io/v1alpha4"])]
#[case::other_kind("kind: Pod\napiVersion: v1", &["1:7: kind: found \"Pod\", expected Cluster", "2:13: apiVersion: found \"v1\""])]
#[case::syntax("kind: Cluster\nnodes: [", &["not readable as YAML"])]
#[case::tab("kind: Cluster\n\tname: x", &["2:1: not readable as YAML"])]
#[case::two_documents("kind: Cluster\n---\nkind: Cluster", &["not readable as YAML: deserializing from YAML containing more than one document"])]
#[case::twice("name: a\nname: b", &["not readable as YAML: duplicate entry"])]
#[case::unknown_anchor("name: *a", &["not readable as YAML: unknown anchor"])]
#[case::tagged("!x {kind: Cluster}", &["found a value tagged !x"])]
fn not_a_configuration(#[case] text: &str, #[case] expected: &[&str]) {
    assert_mistakes(text, expected);
}

#[rstest]
#[case::top("noodles: []", &["3:1: noodles: unknown field, did you mean `nodes`?; allowed here: kind, apiVersion, name, nodes"])]
#[case::far_off("zzz: 1", &["3:1: zzz: unknown field; allowed here: kind"])]
#[case::case_matters("Name: x", &["3:1: Name: unknown field, did you mean `name`?"])]
#[case::number("5: x", &["3:1: 5: unknown field"])]
#[case::node("nodes:\n- rol: worker", &["4:3: nodes[0].rol: unknown field, did you mean `role`?; allowed here: role, image, labels"])]
#[case::networking("networking:\n  podSubnets: x", &["4:3: networking.podSubnets: unknown field, did you mean `podSubnet`?"])]
#[case::mount("nodes:\n- extraMounts:\n  - {hostPath: /a, containerPath: /b, readonly: true}", &["5:39: nodes[0].extraMounts[0].readonly: unknown field, did you mean `readOnly`?"])]
#[case::port("nodes:\n- extraPortMappings:\n  - {containerPort: 80, port: 1}", &["nodes[0].extraPortMappings[0].port: unknown field"])]
#[case::role("nodes:\n- role: master", &["4:9: nodes[0].role: found \"master\"; allowed: control-plane, worker"])]
#[case::role_hint("nodes:\n- role: controlplane", &["found \"controlplane\", did you mean `control-plane`?"])]
#[case::role_case("nodes:\n- role: Worker", &["did you mean `worker`?"])]
#[case::role_type("nodes:\n- role: [worker]", &["4:9: nodes[0].role: found a list, expected text"])]
#[case::no_control_plane("nodes:\n- role: worker", &["4:1: nodes: a cluster needs at least one control plane"])]
#[case::nodes_type("nodes: 3", &["3:8: nodes: found 3, expected a list"])]
#[case::node_type("nodes: [worker]", &["3:9: nodes[0]: found \"worker\", expected a mapping"])]
#[case::null_node("nodes: [~]", &["nodes[0]: found nothing, expected a mapping"])]
#[case::name_text("name: Big_Name", &["3:7: name: cluster name \"Big_Name\": expected 1 to 49"])]
#[case::name_type("name: {a: b}", &["3:7: name: found a mapping, expected text"])]
#[case::image("nodes:\n- image: 'a b'", &["4:10: nodes[0].image: found \"a b\", expected an image reference"])]
#[case::empty_image("nodes:\n- image: ''", &["expected an image reference"])]
#[case::version("nodes:\n- image: v1.12", &["4:10: nodes[0].image: found \"v1.12\"; allowed: v1.37.2, "])]
#[case::label("nodes:\n- labels: {a b: c}", &["nodes[0].labels[\"a b\"]: found \"a b\", expected a label's name"])]
#[case::kubelet_label("nodes:\n- labels:\n    node-role.kubernetes.io/x: ''", &["5:5: nodes[0].labels[\"node-role.kubernetes.io/x\"]: found \"node-role.kubernetes.io/x\", expected a label that a kubelet may set"])]
#[case::label_value("nodes:\n- labels: {a: 'b c'}", &["4:15: nodes[0].labels.a: found \"b c\", expected a label's value"])]
#[case::no_host_path("nodes:\n- extraMounts:\n  - containerPath: /x", &["5:5: nodes[0].extraMounts[0].hostPath: missing, expected a path"])]
#[case::relative_target("nodes:\n- extraMounts:\n  - {containerPath: x, hostPath: /x}", &["nodes[0].extraMounts[0].containerPath: found \"x\", expected an absolute path"])]
#[case::root_target("nodes:\n- extraMounts:\n  - {containerPath: //, hostPath: /x}", &["expected an absolute path in the node, other than /"])]
#[case::propagation("nodes:\n- extraMounts:\n  - {containerPath: /x, hostPath: /x, propagation: rshared}", &["found \"rshared\"; allowed: None, HostToContainer, Bidirectional"])]
#[case::flag("nodes:\n- extraMounts:\n  - {containerPath: /x, hostPath: /x, readOnly: maybe}", &["found \"maybe\", expected true or false"])]
#[case::port_text("nodes:\n- extraPortMappings:\n  - containerPort: '80'", &["5:20: nodes[0].extraPortMappings[0].containerPort: found \"80\", expected a port from 1 to 65535"])]
#[case::port_zero("nodes:\n- extraPortMappings:\n  - containerPort: 0", &["found 0, expected a port from 1"])]
#[case::port_large("nodes:\n- extraPortMappings:\n  - {containerPort: 80, hostPort: 65536}", &["found 65536, expected a port from 1 to 65535, or 0"])]
#[case::port_small("nodes:\n- extraPortMappings:\n  - {containerPort: 80, hostPort: -2}", &["found -2, expected a port"])]
#[case::protocol("nodes:\n- extraPortMappings:\n  - {containerPort: 80, protocol: http}", &["found \"http\"; allowed: TCP, UDP, SCTP"])]
#[case::listen("nodes:\n- extraPortMappings:\n  - {containerPort: 80, listenAddress: localhost}", &["found \"localhost\", expected an IP address"])]
#[case::port_twice("nodes:\n- extraPortMappings:\n  - {containerPort: 80, hostPort: 8080}\n- role: worker\n  extraPortMappings:\n  - {containerPort: 81, hostPort: 8080, listenAddress: 0.0.0.0}", &["8:5: nodes[1].extraPortMappings[0]: port 8080 of the host (127.0.0.1) is taken by nodes[0].extraPortMappings[0] already"])]
#[case::port_of_api("networking: {apiServerPort: 6443}\nnodes:\n- extraPortMappings:\n  - {containerPort: 80, hostPort: 6443}", &["is taken by networking.apiServerPort already"])]
#[case::api_address("networking: {apiServerAddress: here}", &["3:32: networking.apiServerAddress: found \"here\", expected an IP address"])]
#[case::pod_subnet("networking: {podSubnet: 10.244.0.0}", &["3:25: networking.podSubnet: podSubnet \"10.244.0.0\": expected an IPv4 range"])]
#[case::service_subnet("networking:\n  serviceSubnet: 10.96.0.0/99", &["4:18: networking.serviceSubnet:"])]
#[case::proxy("networking: {kubeProxyMode: ebpf}", &["found \"ebpf\"; allowed: iptables, ipvs, nftables, none"])]
#[case::gate_value("featureGates: {A: 1}", &["3:19: featureGates.A: found 1, expected true or false"])]
#[case::gate_name("featureGates: {'A,B': true}", &["3:16: featureGates[\"A,B\"]: found \"A,B\", expected a feature gate's name"])]
#[case::gates_type("featureGates: [A]", &["found a list, expected a mapping of names"])]
#[case::runtime_name("runtimeConfig: {'api/all=true,x': 'true'}", &["expected an API group and version"])]
#[case::runtime_value("runtimeConfig: {api/all: 'a,b'}", &["found \"a,b\", expected \"true\" or \"false\""])]
#[case::list_name("? [a]\n: b", &["found a list, expected the name of a field"])]
fn mistakes(#[case] body: &str, #[case] expected: &[&str]) {
    assert_mistakes(&with_head(body), expected);
}

#[test]
fn a_version_stands_for_the_image_that_is_built_of_it() {
    let spec = read("nodes:\n- image: v1.36\n- {role: worker, image: 'kindest/node:v1.36.0'}");
    assert_eq!(spec.nodes[0].image, Some(kind_images::node_image("v1.36.3").unwrap()));
    assert_eq!(spec.nodes[1].image.as_deref(), Some("kindest/node:v1.36.0"));
    assert_eq!(ClusterSpec::default().image("v1.36").nodes[0].image, spec.nodes[0].image);
}

#[test]
fn a_family_has_defaults_of_its_own() {
    let spec = read("networking: {ipFamily: ipv6}\nnodes: [{extraPortMappings: [{containerPort: 80}]}]");
    assert_eq!(spec.networking, Networking::of_family(IpFamily::Ipv6));
    assert_eq!(spec.networking.api_server_address.to_string(), "::1");
    assert_eq!(spec.nodes[0].extra_port_mappings[0].listen_address.to_string(), "::1");
    let spec = read("networking: {ipFamily: dual, podSubnet: 'fd00:1::/56,10.1.0.0/16'}");
    assert_eq!(spec.networking.pod_subnet, "fd00:1::/56,10.1.0.0/16");
    assert_eq!(spec.networking.service_subnet, "10.96.0.0/16,fd00:10:96::/112");
}

#[rstest]
#[case::no_mapping("kubeadmConfigPatches: ['x']", &["3:24: kubeadmConfigPatches[0]: this patch cannot be used: expected fields of a document"])]
#[case::no_list("kubeadmConfigPatches: x", &["found \"x\", expected a list"])]
#[case::no_text("kubeadmConfigPatches: [{kind: x}]", &["found a mapping, expected text"])]
#[case::no_kind("kubeadmConfigPatches: ['a: b']", &["it has no `kind`; expected one of ClusterConfiguration,"])]
#[case::kind("kubeadmConfigPatches: ['kind: ClusterConfig']", &["found kind \"ClusterConfig\", did you mean `ClusterConfiguration`?; allowed: ClusterConfiguration, InitConfiguration,"])]
#[case::version("kubeadmConfigPatches: ['{kind: KubeletConfiguration, apiVersion: kubelet.config.k8s.io/v1}']", &["found apiVersion \"kubelet.config.k8s.io/v1\", did you mean `kubelet.config.k8s.io/v1beta1`?"])]
#[case::yaml("nodes:\n- kubeadmConfigPatches:\n  - |\n    kind: [", &["5:5: nodes[0].kubeadmConfigPatches[0]: this patch cannot be used: not readable as YAML"])]
#[case::two_documents("kubeadmConfigPatches: [\"kind: InitConfiguration\\n---\\nkind: JoinConfiguration\"]", &["more than one document"])]
#[case::json_empty("kubeadmConfigPatchesJSON6902: [{}]", &["kubeadmConfigPatchesJSON6902[0].kind: missing", "kubeadmConfigPatchesJSON6902[0].patch: missing"])]
#[case::json_field("kubeadmConfigPatchesJSON6902: [{kind: InitConfiguration, patch: '[]', path: x}]", &["path: unknown field, did you mean `patch`?"])]
#[case::json_version("kubeadmConfigPatchesJSON6902: [{group: kubeadm.k8s.io, version: v2, kind: InitConfiguration, patch: '[]'}]", &["found apiVersion \"kubeadm.k8s.io/v2\""])]
#[case::json_patch("kubeadmConfigPatchesJSON6902: [{kind: InitConfiguration, patch: 'a: b'}]", &["expected a list of operations"])]
#[case::no_undo("kubeadmConfigPatchesJSON6902:\n- {kind: KubeletConfiguration, patch: '[{op: add, path: /maxPods, value: 9}, {op: copy, from: /maxPods, path: /podsPerCore}, {op: move, from: /podsPerCore, path: //x}]'}", &["cannot be applied to KubeletConfiguration"])]
#[case::json_operation("kubeadmConfigPatchesJSON6902: [{kind: InitConfiguration, patch: '[{op: ad, path: /x}]'}]", &["unknown variant `ad`"])]
#[case::json_path("kubeadmConfigPatchesJSON6902: [{kind: InitConfiguration, patch: '[{op: remove, path: x}]'}]", &["expected a list of operations"])]
#[case::json_misfit("kubeadmConfigPatchesJSON6902:\n- kind: InitConfiguration\n  patch: '[{op: remove, path: /x}]'", &["5:10: kubeadmConfigPatchesJSON6902[0].patch: this patch cannot be used: cannot be applied to InitConfiguration"])]
#[case::toml("containerdConfigPatches: ['x']", &["3:27: containerdConfigPatches[0]: this patch cannot be used: not readable as TOML: line 1:"])]
#[case::toml_version("containerdConfigPatches: ['version = 4']", &["found version 4, expected"])]
#[case::toml_json("containerdConfigPatchesJSON6902: ['x']", &["containerdConfigPatchesJSON6902[0]: this patch cannot be used: expected a list"])]
#[case::toml_misfit("containerdConfigPatchesJSON6902: ['[{op: remove, path: /x}]']", &["cannot be applied to containerd's configuration"])]
#[case::search("networking: {dnsSearch: ['a b']}", &["3:26: networking.dnsSearch[0]: found \"a b\", expected a domain"])]
fn mistakes_in_patches(#[case] body: &str, #[case] expected: &[&str]) {
    assert_mistakes(&with_head(body), expected);
}

/// As many mistakes as expected, in the same order, each containing its text.
fn assert_mistakes(text: &str, expected: &[&str]) {
    let found = mistakes_of(text);
    assert_eq!(found.len(), expected.len(), "{text}\n{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.contains(expected), "{text}\nfound    {found}\nexpected {expected}");
    }
}

#[test]
fn all_mistakes_come_at_once_in_the_order_of_the_text() {
    let body = "nodes:\n- role: boss\n  labels: {a: [1]}\n- kind: worker\nnetworking:\n  podSubnet: nine\nextra: 1";
    let error = ClusterSpec::from_yaml(&with_head(body), Path::new("/conf/x.yaml")).unwrap_err();
    let expected = "configuration /conf/x.yaml: 5 mistakes
  /conf/x.yaml:4:9: nodes[0].role: found \"boss\"; allowed: control-plane, worker
  /conf/x.yaml:5:15: nodes[0].labels.a: found a list, expected text
  /conf/x.yaml:6:3: nodes[1].kind: unknown field; allowed here: role, image, labels, extraMounts, extraPortMappings, kubeadmConfigPatches, kubeadmConfigPatchesJSON6902
  /conf/x.yaml:8:14: networking.podSubnet: podSubnet \"nine\": expected an IPv4 range from /8 to /28, such as 10.244.0.0/16
  /conf/x.yaml:9:1: extra: unknown field; allowed here: kind, apiVersion, name, nodes, networking, featureGates, runtimeConfig, kubeadmConfigPatches, kubeadmConfigPatchesJSON6902, containerdConfigPatches, containerdConfigPatchesJSON6902";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_flood_of_mistakes_is_cut() {
    let body: Vec<String> = (0..30).map(|number| format!("x{number}: 1")).collect();
    let text = ClusterSpec::from_yaml(&with_head(&body.join("\n")), Path::new("x.yaml")).unwrap_err().to_string();
    assert!(text.ends_with("\n  and 10 more"), "{text}");
}

#[rstest]
#[case::nothing("")]
#[case::null_nodes("nodes: ~")]
#[case::no_nodes("nodes: []")]
#[case::empty_node("nodes: [{}]")]
#[case::empty_words("name: ''\nnetworking: {ipFamily: '', podSubnet: '', kubeProxyMode: ''}\nnodes: [{role: ''}]")]
#[case::empty_patches("kubeadmConfigPatches: []\ncontainerdConfigPatches: ~")]
#[case::defaults_in_words(
    "networking: {ipFamily: ipv4, apiServerAddress: 127.0.0.1, apiServerPort: 0, podSubnet: 10.244.0.0/16, disableDefaultCNI: no}"
)]
#[case::backend_port("networking: {apiServerPort: -1}")]
fn the_default_is_one_control_plane(#[case] body: &str) {
    assert_eq!(read(body), ClusterSpec::single_node());
}

#[test]
fn everything_at_once() {
    let spec = read(
        "name: my.cluster-1
networking:
  apiServerAddress: 0.0.0.0
  apiServerPort: 6443
  podSubnet: 10.1.0.0/16
  serviceSubnet: 10.2.0.0/16
  disableDefaultCNI: true
  kubeProxyMode: nftables
featureGates: {A: true, B: false}
runtimeConfig: {api/all: 'true', apps/v1: false}
nodes:
- &plane
  role: control-plane
  image: kindest/node@sha256:00
  labels: {version: 1.10, ready: true, node.kubernetes.io/pool: a}
- *plane
- <<: *plane
  image: other:1
- role: worker
  extraMounts:
  - {hostPath: ../data/./x, containerPath: /data, readOnly: true, selinuxRelabel: on, propagation: HostToContainer}
  extraPortMappings:
  - {containerPort: 80, hostPort: 8080, protocol: udp}
  - {containerPort: 80, hostPort: 8080, protocol: tcp, listenAddress: '::1'}
  - {containerPort: 443}",
    );
    assert_eq!(spec.name.as_deref(), Some("my.cluster-1"));
    assert_eq!(spec.of_role(Role::ControlPlane).count(), 3);
    assert_eq!(spec.nodes[1], spec.nodes[0]);
    assert_eq!(spec.nodes[2].image.as_deref(), Some("other:1"));
    let labels: Vec<&str> = spec.nodes[0].labels.values().map(String::as_str).collect();
    assert_eq!(labels, ["a", "true", "1.10"]);
    let worker = &spec.nodes[3];
    let MountKind::Host { path, read_only, selinux_relabel, propagation } = &worker.extra_mounts[0].kind else {
        panic!()
    };
    assert_eq!((path.as_str(), read_only, selinux_relabel), ("/data/x", &true, &true));
    assert_eq!(*propagation, Propagation::HostToContainer);
    let ports: Vec<String> = worker.extra_port_mappings.iter().map(|port| format!("{port:?}")).collect();
    assert_eq!(worker.extra_port_mappings[0].protocol, Protocol::Udp, "{ports:?}");
    assert_eq!(worker.extra_port_mappings[0].listen_address.to_string(), "127.0.0.1");
    assert_eq!(worker.extra_port_mappings[1].listen_address.to_string(), "::1");
    assert_eq!(worker.extra_port_mappings[2].host_port, None);
    assert_eq!(spec.networking.api_server_port, Some(6443));
    assert_eq!(spec.networking.kube_proxy_mode, KubeProxyMode::Nftables);
    assert!(spec.networking.disable_default_cni);
    assert_eq!(spec.feature_gates.len(), 2);
    assert_eq!(spec.runtime_config["apps/v1"], "false");
}

#[test]
fn patches_become_data() {
    let spec = read(
        "networking: {dnsSearch: []}
kubeadmConfigPatches:
- |
  kind: ClusterConfiguration
  apiVersion: kubeadm.k8s.io/v1beta3
  clusterName: x
kubeadmConfigPatchesJSON6902:
- {group: kubelet.config.k8s.io, version: v1beta1, kind: KubeletConfiguration, patch: '[{op: add, path: /maxPods, value: 5}]'}
containerdConfigPatches: ['[debug]']
containerdConfigPatchesJSON6902: ['[{op: test, path: /version, value: 3}]']
nodes:
- kubeadmConfigPatches: ['kind: InitConfiguration']",
    );
    let patch = &spec.kubeadm_patches.merge[0];
    assert!(patch.is_for_others() && patch.kind == DocumentKind::ClusterConfiguration);
    let patch = &spec.kubeadm_patches.json[0];
    assert!(!patch.is_for_others() && patch.operations.0.len() == 1);
    assert_eq!(spec.containerd_patches.merge, ["[debug]"]);
    assert_eq!(spec.containerd_patches.json.len(), 1);
    assert_eq!(spec.nodes[0].kubeadm_patches.merge[0].api_version, None);
    assert_eq!(spec.networking.dns_search, Some(Vec::new()));
}
