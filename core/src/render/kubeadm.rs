//! What kubeadm reads on each node: one file of several documents, in kubeadm's v1beta4.
//!
//! kubeadm's own kinds and fields are described in the `k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/v1beta4` package.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use serde_json::{Value, json};

use super::{
    kubeconfig::encode,
    patches::{PATCHES_FOLDER, PatchError, apply},
};
use crate::spec::{
    Addresses, ClusterSpec, DocumentKind, FieldPath, IpFamily, KubeProxyMode, KubeadmPatches, LOAD_BALANCER_PORT,
    NodeName, Role, Taint,
};

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
    pub endpoint: IpAddr,
    /// Names and addresses of the API beside kubeadm's own.
    pub certificate_names: Vec<String>,
    /// A random token that joining nodes show; it is valid for a short time.
    pub token: String,
    /// The control planes: their etcd members find each other by these addresses.
    pub control_planes: Vec<(NodeName, IpAddr)>,
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
    /// Its addresses.
    pub addresses: Addresses,
    /// Kubernetes labels.
    pub labels: BTreeMap<String, String>,
    /// Its taints, where the specification says which.
    pub taints: Option<Vec<Taint>>,
    /// Its place in the specification's list of nodes.
    pub position: usize,
    /// Changes to its documents.
    pub patches: KubeadmPatches,
    /// What `kubeadm init` leaves out on it.
    pub skip_init: Vec<&'static str>,
    /// What `kubeadm join` leaves out on it.
    pub skip_join: Vec<&'static str>,
}

impl NodeText {
    /// Its place in a configuration file.
    pub(super) fn path(&self) -> FieldPath {
        FieldPath::default().field("nodes").item(self.position)
    }
}

/// The whole file for one node.
///
/// # Errors
/// When a patch of the specification cannot be applied.
pub fn kubeadm(cluster: &ClusterText, node: &NodeText) -> Result<String, PatchError> {
    Ok(documents(cluster, node)?.iter().map(to_yaml).collect::<Vec<_>>().join("---\n"))
}

/// The file's documents, in the order of [`DocumentKind::ALL`].
pub(super) fn documents(cluster: &ClusterText, node: &NodeText) -> Result<[Value; 5], PatchError> {
    let patched = |kind, mut document| {
        apply(kind, &mut document, &cluster.spec.kubeadm_patches, node)?;
        Ok(document)
    };
    let join = patched(DocumentKind::JoinConfiguration, join_configuration(cluster, node))?;
    let init = init_configuration(cluster, node);
    let is_first = cluster.control_planes.first().is_some_and(|(name, _)| *name == node.name);
    let init = if is_first { patched(DocumentKind::InitConfiguration, init)? } else { initialised_as(init, &join) };
    let registering = if is_first { &init } else { &join };
    let has_own = node.patches.concern(DocumentKind::KubeletConfiguration);
    if has_own && registering["patches"]["directory"] != PATCHES_FOLDER {
        let problem = "patches of this node's KubeletConfiguration, and a `patches.directory` for kubeadm: kubeadm reads \
                       one folder only; put the kubelet's settings into that folder as well";
        return Err(PatchError::new(node.path().field("kubeadmConfigPatches"), problem));
    }
    Ok([
        patched(DocumentKind::ClusterConfiguration, cluster_configuration(cluster))?,
        init,
        join,
        patched(DocumentKind::KubeletConfiguration, kubelet_configuration(cluster))?,
        kube_proxy(cluster, node)?,
    ])
}

/// Control planes beside the first are made by `kubeadm init`, too. To the user they are nodes that join: what they are
/// registered with is what the join document says.
fn initialised_as(mut init: Value, join: &Value) -> Value {
    for field in ["nodeRegistration", "patches", "timeouts"] {
        if let Some(content) = join.get(field) {
            init[field] = content.clone();
        }
    }
    if let Some(endpoint) = join["controlPlane"].get("localAPIEndpoint") {
        init["localAPIEndpoint"] = endpoint.clone();
    }
    init
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

fn server(endpoint: IpAddr) -> String {
    format!("https://{}", SocketAddr::new(endpoint, LOAD_BALANCER_PORT))
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
    let members = cluster
        .control_planes
        .iter()
        .map(|(name, address)| format!("{name}=https://{}", SocketAddr::new(*address, 2380)));
    // All members are known beforehand, so they form the cluster at once instead of being added one by one.
    let etcd =
        [("initial-cluster", members.collect::<Vec<_>>().join(",")), ("initial-cluster-state", "new".to_owned())];
    let controller_manager = [
        ("enable-hostpath-provisioner", "true".to_owned()),
        // It makes an account for each of its some fifty controllers before any of them works: at the default of 20
        // requests a second, 5 s go by before the first node gets its pod CIDR.
        ("kube-api-qps", "200".to_owned()),
        ("kube-api-burst", "400".to_owned()),
    ];
    let controller_manager = gates.clone().into_iter().chain(election()).chain(controller_manager);
    let scheduler = gates.clone().into_iter().chain(election());
    json!({
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "clusterName": cluster.name,
        "kubernetesVersion": cluster.kubernetes_version,
        "controlPlaneEndpoint": SocketAddr::new(cluster.endpoint, LOAD_BALANCER_PORT).to_string(),
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
        "scheduler": {"extraArgs": arguments(scheduler)},
        "etcd": {"local": {"extraArgs": arguments(etcd)}},
    })
}

/// Who wants to lead asks again sooner than after 2 to 4 s: its first question always comes before the API server has its
/// roles, and is refused.
fn election() -> [(&'static str, String); 1] {
    [("leader-elect-retry-period", "500ms".to_owned())]
}

fn node_registration(cluster: &ClusterText, node: &NodeText) -> Value {
    let labels = (!node.labels.is_empty()).then(|| ("node-labels", joined(&node.labels)));
    let extra = [
        ("node-ip", node.addresses.all().map(|address| address.to_string()).collect::<Vec<_>>().join(",")),
        ("provider-id", format!("kind://docker/{}/{}", cluster.name, node.name)),
    ];
    let mut registration = json!({
        "name": node.name.as_str(),
        "criSocket": "unix:///run/containerd/containerd.sock",
        // Everything a node needs is in its image; a pull would mean that it is not.
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": arguments(extra.into_iter().chain(labels)),
    });
    if let Some(taints) = &node.taints {
        registration["taints"] = json!(taints);
    } else if node.role == Role::ControlPlane && cluster.schedule_on_control_planes {
        registration["taints"] = json!([]);
    }
    registration
}

fn init_configuration(cluster: &ClusterText, node: &NodeText) -> Value {
    let mut init = json!({
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "InitConfiguration",
        "bootstrapTokens": [{"token": cluster.token, "ttl": "15m"}],
        "localAPIEndpoint": {"advertiseAddress": node.addresses.primary.to_string(), "bindPort": LOAD_BALANCER_PORT},
        "nodeRegistration": node_registration(cluster, node),
        "timeouts": timeouts(),
        "skipPhases": node.skip_init,
    });
    name_patches_folder(&mut init, node);
    init
}

fn join_configuration(cluster: &ClusterText, node: &NodeText) -> Value {
    let mut join = json!({
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "JoinConfiguration",
        // A file instead of a bare token: no unverified first contact, and none of kubeadm's fixed waits for one.
        "discovery": {"file": {"kubeConfigPath": DISCOVERY_PATH}, "tlsBootstrapToken": cluster.token},
        "nodeRegistration": node_registration(cluster, node),
        "timeouts": timeouts(),
        "skipPhases": node.skip_join,
    });
    name_patches_folder(&mut join, node);
    if node.role == Role::ControlPlane {
        join["controlPlane"] = json!({
            "localAPIEndpoint": {"advertiseAddress": node.addresses.primary.to_string(), "bindPort": LOAD_BALANCER_PORT},
        });
    }
    join
}

/// An API server that comes up with everything else may need more than kubeadm's minute on an emulated or crowded machine.
/// The step has a limit of its own.
fn timeouts() -> Value {
    json!({"kubernetesAPICall": "3m"})
}

fn name_patches_folder(document: &mut Value, node: &NodeText) {
    if node.patches.concern(DocumentKind::KubeletConfiguration) {
        document["patches"] = json!({"directory": PATCHES_FOLDER});
    }
}

fn kubelet_configuration(cluster: &ClusterText) -> Value {
    let mut kubelet = json!({
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
    });
    if cluster.spec.networking.ip_family == IpFamily::Ipv6 {
        kubelet["address"] = json!("::");
    }
    kubelet
}

fn kube_proxy_configuration(cluster: &ClusterText) -> Value {
    let mode = match cluster.spec.networking.kube_proxy_mode {
        KubeProxyMode::Iptables | KubeProxyMode::None => "iptables",
        KubeProxyMode::Ipvs => "ipvs",
        KubeProxyMode::Nftables => "nftables",
    };
    let mut proxy = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": mode,
        "featureGates": cluster.spec.feature_gates,
        // These are settings of the host's kernel, which a node may not be able to write: 0 leaves them alone.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    });
    answer_everywhere(&mut proxy, cluster.spec.networking.ip_family);
    proxy
}

/// How kube-proxy implements services, with the user's changes.
///
/// # Errors
/// When a patch of the specification cannot be applied.
pub(crate) fn kube_proxy_mode(cluster: &ClusterText, node: &NodeText) -> Result<String, PatchError> {
    Ok(kube_proxy(cluster, node)?["mode"].as_str().unwrap_or_default().to_owned())
}

/// kube-proxy's document with the user's changes.
fn kube_proxy(cluster: &ClusterText, node: &NodeText) -> Result<Value, PatchError> {
    let mut proxy = kube_proxy_configuration(cluster);
    let mode = proxy["mode"].clone();
    apply(DocumentKind::KubeProxyConfiguration, &mut proxy, &cluster.spec.kubeadm_patches, node)?;
    // A patch may choose the mode, too.
    if proxy["mode"] != mode && proxy.get("nodePortAddresses").is_none() {
        answer_everywhere(&mut proxy, cluster.spec.networking.ip_family);
    }
    Ok(proxy)
}

/// With nftables, node ports are answered at the address that the node is registered with, and no other. What is published
/// on the host arrives at the engine's address of the node. The other modes answer at all addresses by themselves.
fn answer_everywhere(proxy: &mut Value, family: IpFamily) {
    if proxy["mode"] == "nftables" {
        proxy["nodePortAddresses"] = match family {
            IpFamily::Ipv4 => json!(["0.0.0.0/0"]),
            IpFamily::Ipv6 => json!(["::/0"]),
            IpFamily::Dual => json!(["0.0.0.0/0", "::/0"]),
        };
    }
}

#[cfg(test)]
#[path = "kubeadm_tests.rs"]
mod tests;
