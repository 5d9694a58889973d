//! What kubeadm reads on each node: one file of several documents, in kubeadm's v1beta4.
//!
//! kubeadm's own kinds and fields are described in the `k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/v1beta4` package.

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde_json::{Value, json};

use super::kubeconfig::encode;
use crate::spec::{ClusterSpec, KubeProxyMode, LOAD_BALANCER_PORT, NodeName, Role};

/// Where the file lies; kind's place, which the node's own units read too.
pub const KUBEADM_PATH: &str = "/kind/kubeadm.conf";
/// Where a joining node finds the cluster's address and authority.
pub const DISCOVERY_PATH: &str = "/kind/discovery.conf";

/// What all nodes of a cluster have in common.
#[derive(Debug, Clone)]
pub struct ClusterText {
    /// The cluster's name.
    pub name: String,
    /// The Kubernetes version, such as `v1.37.2`.
    pub kubernetes_version: String,
    /// Where every node finds the API: the load balancer, or the only control plane.
    pub endpoint: Ipv4Addr,
    /// Names and addresses of the API beside kubeadm's own.
    pub certificate_names: Vec<String>,
    /// A random token that joining nodes show; it is valid for a short time.
    pub token: String,
    /// The control planes: their etcd members find each other by these addresses.
    pub control_planes: Vec<(NodeName, Ipv4Addr)>,
    /// Whether control planes also run workloads, as on a cluster of one node.
    pub schedule_on_control_planes: bool,
    /// The specification.
    pub spec: ClusterSpec,
}

/// One node's part.
#[derive(Debug, Clone)]
pub struct NodeText {
    /// The node's name.
    pub name: NodeName,
    /// Control plane or worker.
    pub role: Role,
    /// Its address.
    pub address: Ipv4Addr,
    /// Kubernetes labels.
    pub labels: BTreeMap<String, String>,
}

/// The whole file for one node.
pub fn kubeadm(cluster: &ClusterText, node: &NodeText) -> String {
    let documents = [
        cluster_configuration(cluster),
        init_configuration(cluster, node),
        join_configuration(cluster, node),
        kubelet_configuration(cluster),
        kube_proxy_configuration(cluster),
    ];
    documents.iter().map(to_yaml).collect::<Vec<_>>().join("---\n")
}

/// The cluster's address, authority and token, for nodes that join. The user must have a name, else kubeadm takes the
/// file for one without credentials.
pub fn discovery(cluster: &ClusterText, authority: &str) -> String {
    to_yaml(&json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": cluster.name,
            "cluster": {"server": server(cluster.endpoint), "certificate-authority-data": encode(authority)},
        }],
        "users": [{"name": "joining-node", "user": {"token": cluster.token}}],
        "contexts": [{"name": "join", "context": {"cluster": cluster.name, "user": "joining-node"}}],
        "current-context": "join",
    }))
}

pub(super) fn to_yaml(document: &Value) -> String {
    serde_yaml::to_string(document).expect("JSON values are YAML")
}

fn server(endpoint: Ipv4Addr) -> String {
    format!("https://{endpoint}:{LOAD_BALANCER_PORT}")
}

/// kubeadm's v1beta4 writes command line arguments as a list of names and values.
fn arguments<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Value {
    pairs.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

fn joined<V: ToString>(map: &BTreeMap<String, V>) -> String {
    map.iter().map(|(key, value)| format!("{key}={}", value.to_string())).collect::<Vec<_>>().join(",")
}

fn cluster_configuration(cluster: &ClusterText) -> Value {
    let spec = &cluster.spec;
    let gates = (!spec.feature_gates.is_empty()).then(|| ("feature-gates", joined(&spec.feature_gates)));
    let runtime = (!spec.runtime_config.is_empty()).then(|| ("runtime-config", joined(&spec.runtime_config)));
    let members = cluster.control_planes.iter().map(|(name, address)| format!("{name}=https://{address}:2380"));
    // All members are known beforehand, so they form the cluster at once instead of being added one by one.
    let etcd =
        [("initial-cluster", members.collect::<Vec<_>>().join(",")), ("initial-cluster-state", "new".to_owned())];
    let controller_manager = gates.clone().into_iter().chain([("enable-hostpath-provisioner", "true".to_owned())]);
    json!({
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "clusterName": cluster.name,
        "kubernetesVersion": cluster.kubernetes_version,
        "controlPlaneEndpoint": format!("{}:{LOAD_BALANCER_PORT}", cluster.endpoint),
        // Keys that cost milliseconds to make instead of seconds.
        "encryptionAlgorithm": "ECDSA-P256",
        "networking": {
            "podSubnet": spec.networking.pod_subnet,
            "serviceSubnet": spec.networking.service_subnet,
        },
        "apiServer": {
            "certSANs": cluster.certificate_names,
            "extraArgs": arguments(gates.clone().into_iter().chain(runtime)),
        },
        "controllerManager": {"extraArgs": arguments(controller_manager)},
        "scheduler": {"extraArgs": arguments(gates)},
        "etcd": {"local": {"extraArgs": arguments(etcd)}},
    })
}

fn node_registration(cluster: &ClusterText, node: &NodeText) -> Value {
    let labels = (!node.labels.is_empty()).then(|| ("node-labels", joined(&node.labels)));
    let extra = [
        ("node-ip", node.address.to_string()),
        ("provider-id", format!("kind://docker/{}/{}", cluster.name, node.name)),
    ];
    let mut registration = json!({
        "name": node.name.as_str(),
        "criSocket": "unix:///run/containerd/containerd.sock",
        // Everything a node needs is in its image; a pull would mean that it is not.
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": arguments(extra.into_iter().chain(labels)),
    });
    if node.role == Role::ControlPlane && cluster.schedule_on_control_planes {
        registration["taints"] = json!([]);
    }
    registration
}

fn init_configuration(cluster: &ClusterText, node: &NodeText) -> Value {
    json!({
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "bootstrapTokens": [{"token": cluster.token, "ttl": "15m"}],
        "localAPIEndpoint": {"advertiseAddress": node.address.to_string(), "bindPort": LOAD_BALANCER_PORT},
        "nodeRegistration": node_registration(cluster, node),
    })
}

fn join_configuration(cluster: &ClusterText, node: &NodeText) -> Value {
    let mut join = json!({
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "JoinConfiguration",
        // A file instead of a bare token: no unverified first contact, and none of kubeadm's fixed waits for one.
        "discovery": {"file": {"kubeConfigPath": DISCOVERY_PATH}, "tlsBootstrapToken": cluster.token},
        "nodeRegistration": node_registration(cluster, node),
    });
    if node.role == Role::ControlPlane {
        join["controlPlane"] = json!({
            "localAPIEndpoint": {"advertiseAddress": node.address.to_string(), "bindPort": LOAD_BALANCER_PORT},
        });
    }
    join
}

fn kubelet_configuration(cluster: &ClusterText) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "systemd",
        // Pods live below a group of their own, apart from the node's services.
        "cgroupRoot": "/kubelet",
        // The host's swap and cgroup version are not the cluster's to choose (KEP-4569).
        "failSwapOn": false,
        "failCgroupV1": false,
        // The disk is the host's: a full one must not evict pods of a test, nor collect preloaded images.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"},
        "featureGates": cluster.spec.feature_gates,
    })
}

fn kube_proxy_configuration(cluster: &ClusterText) -> Value {
    let mode = match cluster.spec.networking.kube_proxy_mode {
        KubeProxyMode::Iptables | KubeProxyMode::None => "iptables",
        KubeProxyMode::Ipvs => "ipvs",
        KubeProxyMode::Nftables => "nftables",
    };
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": mode,
        "featureGates": cluster.spec.feature_gates,
        // These are settings of the host's kernel, which a node may not be able to write: 0 leaves them alone.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ClusterName;

    fn cluster(spec: ClusterSpec) -> ClusterText {
        let name = ClusterName::new("demo").unwrap();
        let control_planes = spec.of_role(Role::ControlPlane).count();
        ClusterText {
            name: name.to_string(),
            kubernetes_version: "v1.37.2".into(),
            endpoint: Ipv4Addr::new(100, 64, 7, 10),
            certificate_names: vec!["localhost".into(), "127.0.0.1".into()],
            token: "abcdef.0123456789abcdef".into(),
            control_planes: (0..control_planes)
                .map(|index| (name.node(Role::ControlPlane, index), crate::spec::AddressPlan.node(index)))
                .collect(),
            schedule_on_control_planes: spec.nodes.len() == 1,
            spec,
        }
    }

    fn node(role: Role, index: usize) -> NodeText {
        let name = ClusterName::new("demo").unwrap().node(role, index);
        NodeText { name, role, address: crate::spec::AddressPlan.node(index), labels: BTreeMap::new() }
    }

    #[test]
    fn golden_for_a_highly_available_cluster() {
        let cluster = cluster(ClusterSpec::default());
        let control_plane = kubeadm(&cluster, &node(Role::ControlPlane, 1));
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
        kind_testkit::assert_golden("tests/golden/kubeadm-worker.yaml", &kubeadm(&cluster(spec), &worker));
    }

    #[test]
    fn the_only_node_takes_workloads() {
        let text = kubeadm(&cluster(ClusterSpec::single_node()), &node(Role::ControlPlane, 0));
        assert!(text.contains("taints: []"), "{text}");
    }
}
