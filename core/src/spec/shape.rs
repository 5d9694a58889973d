//! A specification as a file has it, so that the keeper makes the cluster that the test asked for.
//!
//! The destructuring below keeps it complete: a field that is new in the specification does not compile here.

use std::{collections::BTreeMap, net::IpAddr};

use kind_engine::{Mount, MountKind, PortMapping, Propagation, Protocol};
use serde::{Deserialize, Serialize};

use super::{
    ClusterSpec, ContainerdPatches, IpFamily, KubeProxyMode, KubeadmPatches, Manifest, Networking, NodeSpec, Registry,
    Role, Taint,
};

/// Everything of a specification but the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    nodes: Vec<Node>,
    networking: Network,
    feature_gates: BTreeMap<String, bool>,
    runtime_config: BTreeMap<String, String>,
    kubeadm_patches: KubeadmPatches,
    containerd_patches: ContainerdPatches,
    #[serde(default)]
    images: Vec<String>,
    #[serde(default)]
    manifests: Vec<Manifest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registry: Option<Registry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Node {
    role: Role,
    image: Option<String>,
    labels: BTreeMap<String, String>,
    mounts: Vec<Volume>,
    ports: Vec<Port>,
    kubeadm_patches: KubeadmPatches,
    #[serde(default)]
    nano_cpus: Option<u64>,
    #[serde(default)]
    memory: Option<u64>,
    #[serde(default)]
    taints: Option<Vec<Taint>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Network {
    #[serde(default)]
    ip_family: IpFamily,
    api_server_address: IpAddr,
    api_server_port: Option<u16>,
    pod_subnet: String,
    service_subnet: String,
    disable_default_cni: bool,
    kube_proxy_mode: KubeProxyMode,
    dns_search: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Volume {
    target: String,
    #[serde(with = "VolumeKind")]
    kind: MountKind,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "MountKind")]
enum VolumeKind {
    AnonymousVolume,
    Tmpfs {
        options: String,
    },
    Host {
        path: String,
        read_only: bool,
        selinux_relabel: bool,
        #[serde(with = "Spread")]
        propagation: Propagation,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Propagation")]
enum Spread {
    None,
    HostToContainer,
    Bidirectional,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Port {
    container: u16,
    host: Option<u16>,
    listen_address: IpAddr,
    #[serde(with = "Transport")]
    protocol: Protocol,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Protocol")]
enum Transport {
    Tcp,
    Udp,
    Sctp,
}

impl Shape {
    /// Whether its clusters come with a pod network.
    pub fn has_network(&self) -> bool {
        !self.networking.disable_default_cni
    }

    /// What of a specification tells clusters apart.
    pub fn of(spec: &ClusterSpec) -> Self {
        let ClusterSpec {
            name: _,
            nodes,
            networking,
            feature_gates,
            runtime_config,
            kubeadm_patches,
            containerd_patches,
            images,
            manifests,
            registry,
        } = spec.clone();
        Self {
            nodes: nodes.into_iter().map(Node::of).collect(),
            networking: Network::of(networking),
            feature_gates,
            runtime_config,
            kubeadm_patches,
            containerd_patches,
            images,
            manifests,
            registry,
        }
    }

    /// A specification of that shape, which says nothing else.
    pub fn into_spec(self) -> ClusterSpec {
        let Self {
            nodes,
            networking,
            feature_gates,
            runtime_config,
            kubeadm_patches,
            containerd_patches,
            images,
            manifests,
            registry,
        } = self;
        ClusterSpec {
            name: None,
            nodes: nodes.into_iter().map(Node::into_spec).collect(),
            networking: networking.into_spec(),
            feature_gates,
            runtime_config,
            kubeadm_patches,
            containerd_patches,
            images,
            manifests,
            registry,
        }
    }
}

impl Node {
    fn of(spec: NodeSpec) -> Self {
        let NodeSpec {
            role,
            image,
            labels,
            extra_mounts,
            extra_port_mappings,
            kubeadm_patches,
            nano_cpus,
            memory,
            taints,
        } = spec;
        let mounts = extra_mounts.into_iter().map(|Mount { target, kind }| Volume { target, kind }).collect();
        let ports = extra_port_mappings.iter().map(Port::of).collect();
        Self { role, image, labels, mounts, ports, kubeadm_patches, nano_cpus, memory, taints }
    }

    fn into_spec(self) -> NodeSpec {
        let Self { role, image, labels, mounts, ports, kubeadm_patches, nano_cpus, memory, taints } = self;
        let extra_mounts = mounts.into_iter().map(|Volume { target, kind }| Mount { target, kind }).collect();
        let extra_port_mappings = ports.into_iter().map(Port::into_spec).collect();
        NodeSpec { role, image, labels, extra_mounts, extra_port_mappings, kubeadm_patches, nano_cpus, memory, taints }
    }
}

impl Port {
    fn of(mapping: &PortMapping) -> Self {
        let PortMapping { container_port: container, host_port: host, listen_address, protocol } = *mapping;
        Self { container, host, listen_address, protocol }
    }

    fn into_spec(self) -> PortMapping {
        let Self { container, host, listen_address, protocol } = self;
        PortMapping { container_port: container, host_port: host, listen_address, protocol }
    }
}

impl Network {
    fn of(spec: Networking) -> Self {
        let Networking {
            ip_family,
            api_server_address,
            api_server_port,
            pod_subnet,
            service_subnet,
            disable_default_cni,
            kube_proxy_mode,
            dns_search,
        } = spec;
        Self {
            ip_family,
            api_server_address,
            api_server_port,
            pod_subnet,
            service_subnet,
            disable_default_cni,
            kube_proxy_mode,
            dns_search,
        }
    }

    fn into_spec(self) -> Networking {
        let Self {
            ip_family,
            api_server_address,
            api_server_port,
            pod_subnet,
            service_subnet,
            disable_default_cni,
            kube_proxy_mode,
            dns_search,
        } = self;
        Networking {
            ip_family,
            api_server_address,
            api_server_port,
            pod_subnet,
            service_subnet,
            disable_default_cni,
            kube_proxy_mode,
            dns_search,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{DocumentKind, JsonPatch, MergePatch, TaintEffect};

    #[test]
    fn a_file_gives_back_what_was_asked_for() {
        let mut spec = ClusterSpec::default().workers(2).image("image");
        let node = &mut spec.nodes[0];
        node.labels.insert("zone".to_owned(), "a".to_owned());
        node.memory = Some(1 << 30);
        node.nano_cpus = Some(1_500_000_000);
        node.taints = Some(vec![Taint { key: "k".into(), value: "v".into(), effect: TaintEffect::NoExecute }]);
        node.extra_mounts.push(Mount {
            target: "/data".to_owned(),
            kind: MountKind::Host {
                path: "/srv".to_owned(),
                read_only: true,
                selinux_relabel: false,
                propagation: Propagation::Bidirectional,
            },
        });
        node.extra_port_mappings.push(PortMapping {
            container_port: 80,
            host_port: None,
            listen_address: IpAddr::from([127, 0, 0, 1]),
            protocol: Protocol::Udp,
        });
        spec.feature_gates.insert("A".to_owned(), true);
        spec.images.push("app:1".to_owned());
        spec.manifests.push(Manifest { path: "a.yaml".to_owned(), content: Some("kind: X".to_owned()) });
        spec.networking = Networking::of_family(IpFamily::Dual);
        spec.networking.kube_proxy_mode = KubeProxyMode::Nftables;
        spec.networking.dns_search = Some(vec!["example.com".to_owned()]);
        spec.containerd_patches.merge.push("[plugins]".to_owned());
        spec.nodes[0].kubeadm_patches.merge.push(MergePatch {
            api_version: None,
            kind: DocumentKind::KubeletConfiguration,
            content: serde_json::json!({"maxPods": 20}),
        });
        spec.kubeadm_patches.json.push(JsonPatch {
            api_version: Some("kubeadm.k8s.io/v1beta4".to_owned()),
            kind: DocumentKind::ClusterConfiguration,
            operations: serde_json::from_str(r#"[{"op": "remove", "path": "/scheduler"}]"#).unwrap(),
        });
        let text = serde_json::to_string(&Shape::of(&spec)).unwrap();
        let read: Shape = serde_json::from_str(&text).unwrap();
        assert_eq!(read.into_spec(), spec);
    }
}
