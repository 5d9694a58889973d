//! The shape of a cluster: nodes and networking.

use std::{collections::BTreeMap, fmt, net::IpAddr};

use kind_engine::{Mount, PortMapping};
use serde::Serialize;

use super::{ContainerdPatches, IpFamily, KubeadmPatches, Manifest, Registry, Taint};

/// What a cluster is to look like. The default is the harness' default shape: three control planes and one worker.
///
/// ```
/// use kind_harness::ClusterSpec;
///
/// let spec = ClusterSpec::default().control_planes(1).workers(2);
/// assert_eq!(spec.nodes.len(), 3);
/// assert!(spec.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ClusterSpec {
    /// The name that a configuration file gives; tests ignore it.
    pub name: Option<String>,
    /// The nodes, in order; the first control plane initialises the cluster.
    pub nodes: Vec<NodeSpec>,
    /// Networks and the API server's address.
    pub networking: Networking,
    /// Feature gates of every component.
    pub feature_gates: BTreeMap<String, bool>,
    /// The API server's `--runtime-config`.
    pub runtime_config: BTreeMap<String, String>,
    /// Changes to every node's kubeadm documents.
    pub kubeadm_patches: KubeadmPatches,
    /// Changes to every node's containerd configuration.
    pub containerd_patches: ContainerdPatches,
    /// Images of the engine that every node is to have before anything runs that may need them.
    pub images: Vec<String>,
    /// Manifests to apply once every node has joined, in order.
    pub manifests: Vec<Manifest>,
    /// A registry of its own; `None` for none.
    pub registry: Option<Registry>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct NodeSpec {
    /// Control plane or worker.
    pub role: Role,
    /// The node image; `None` for the default one.
    pub image: Option<String>,
    /// Kubernetes labels of the node.
    pub labels: BTreeMap<String, String>,
    /// Host folders in the node.
    #[serde(serialize_with = "debug_text")]
    pub extra_mounts: Vec<Mount>,
    /// Ports of the node published on the host.
    #[serde(serialize_with = "debug_text")]
    pub extra_port_mappings: Vec<PortMapping>,
    /// Changes to this node's kubeadm documents, after those of the cluster.
    pub kubeadm_patches: KubeadmPatches,
    /// How many processors it may use, in billionths of one; `None` for all of the machine's. Kubernetes schedules by it.
    pub nano_cpus: Option<u64>,
    /// How much memory it may use, in bytes; `None` for all of the machine's. Kubernetes schedules by it.
    pub memory: Option<u64>,
    /// Its taints, in place of those that it would have; `None` for those.
    pub taints: Option<Vec<Taint>>,
}

/// The engine's types are not serde's; for a digest of the shape their debug text does.
fn debug_text<T: fmt::Debug, S: serde::Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{value:?}"))
}

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs etcd, the API server, the controller manager and the scheduler.
    #[default]
    ControlPlane,
    /// Runs workloads only.
    Worker,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ControlPlane => "control-plane",
            Self::Worker => "worker",
        })
    }
}

/// Networks and the API server's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Networking {
    /// The address families of nodes, pods and services. Default: IPv4. [`Networking::of_family`] has the defaults that
    /// go with each.
    pub ip_family: IpFamily,
    /// Where the API is published on the host. Default: 127.0.0.1.
    pub api_server_address: IpAddr,
    /// The port it is published on; `None` for a free one.
    pub api_server_port: Option<u16>,
    /// The range of pod addresses; of both families separated by a comma. Default: 10.244.0.0/16.
    pub pod_subnet: String,
    /// The range of service addresses; of both families separated by a comma. Default: 10.96.0.0/16.
    pub service_subnet: String,
    /// Leave the pod network to the user. Nodes are not Ready until one is installed.
    pub disable_default_cni: bool,
    /// How services are implemented.
    pub kube_proxy_mode: KubeProxyMode,
    /// The domains that nodes search for short names; `None` for those of the host.
    pub dns_search: Option<Vec<String>>,
}

/// How kube-proxy implements services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KubeProxyMode {
    /// With iptables.
    #[default]
    Iptables,
    /// With IPVS.
    Ipvs,
    /// With nftables.
    Nftables,
    /// No kube-proxy at all.
    None,
}

impl Default for Networking {
    fn default() -> Self {
        Self::of_family(IpFamily::default())
    }
}

impl Networking {
    /// The defaults of that family.
    pub fn of_family(ip_family: IpFamily) -> Self {
        Self {
            ip_family,
            api_server_address: ip_family.loopback(),
            api_server_port: None,
            pod_subnet: ip_family.pod_subnet().to_owned(),
            service_subnet: ip_family.service_subnet().to_owned(),
            disable_default_cni: false,
            kube_proxy_mode: KubeProxyMode::default(),
            dns_search: None,
        }
    }
}

impl Default for ClusterSpec {
    fn default() -> Self {
        Self::empty().control_planes(3).workers(1)
    }
}

impl ClusterSpec {
    /// Whether it asks for numbers of nodes and for nothing else, its name apart.
    pub fn is_plain(&self) -> bool {
        let nodes = self.nodes.iter().map(|node| NodeSpec { role: node.role, ..NodeSpec::default() });
        *self == Self { name: self.name.clone(), nodes: nodes.collect(), ..Self::default() }
    }

    /// A cluster without nodes, to be filled.
    pub(super) fn empty() -> Self {
        Self {
            name: None,
            nodes: Vec::new(),
            networking: Networking::default(),
            feature_gates: BTreeMap::new(),
            runtime_config: BTreeMap::new(),
            kubeadm_patches: KubeadmPatches::default(),
            containerd_patches: ContainerdPatches::default(),
            images: Vec::new(),
            manifests: Vec::new(),
            registry: None,
        }
    }

    /// One control plane and nothing else, as kind's default.
    pub fn single_node() -> Self {
        Self::empty().control_planes(1)
    }

    /// Sets how many control planes there are.
    #[must_use]
    pub fn control_planes(self, count: usize) -> Self {
        self.with_count(Role::ControlPlane, count)
    }

    /// Sets how many workers there are.
    #[must_use]
    pub fn workers(self, count: usize) -> Self {
        self.with_count(Role::Worker, count)
    }

    /// Sets the image of every node: a reference, or a Kubernetes version that stands for one
    /// ([`node_image`](kind_images::node_image)). A version that there is none of is refused when the image is looked for.
    #[must_use]
    pub fn image(mut self, image: impl Into<String>) -> Self {
        let image = image.into();
        let reference = kind_images::node_image(&image).unwrap_or(image);
        for node in &mut self.nodes {
            node.image = Some(reference.clone());
        }
        self
    }

    /// Gives the cluster a registry of its own, on a free port of the host: see
    /// [`Cluster::registry`](crate::cluster::Cluster::registry).
    #[must_use]
    pub fn registry(self) -> Self {
        Self { registry: Some(Registry::default()), ..self }
    }

    /// The nodes of a role, in order.
    pub fn of_role(&self, role: Role) -> impl Iterator<Item = &NodeSpec> {
        self.nodes.iter().filter(move |node| node.role == role)
    }

    /// Whether a load balancer stands in front of the control planes.
    pub fn is_highly_available(&self) -> bool {
        self.of_role(Role::ControlPlane).count() > 1
    }

    /// Keeps the first `count` nodes of a role and adds plain ones where they are too few.
    fn with_count(mut self, role: Role, count: usize) -> Self {
        let mut of_role: Vec<NodeSpec> = self.of_role(role).cloned().collect();
        of_role.resize_with(count, || NodeSpec { role, ..NodeSpec::default() });
        self.nodes.retain(|node| node.role != role);
        let at = if role == Role::ControlPlane { 0 } else { self.nodes.len() };
        self.nodes.splice(at..at, of_role);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_highly_available() {
        let spec = ClusterSpec::default();
        assert!(spec.is_highly_available());
        assert_eq!(spec.of_role(Role::Worker).count(), 1);
    }

    #[test]
    fn counts_can_be_set_in_any_order_and_control_planes_come_first() {
        let spec = ClusterSpec::single_node().workers(2).control_planes(3).workers(1);
        let roles: Vec<Role> = spec.nodes.iter().map(|node| node.role).collect();
        assert_eq!(roles, [Role::ControlPlane, Role::ControlPlane, Role::ControlPlane, Role::Worker]);
    }
}
