//! What bring-up would make, as data for people and programs. Nothing is looked at and nothing is made.

use std::{collections::BTreeMap, net::IpAddr};

use kind_engine::{Labels, MountKind, Propagation, Protocol};
use serde::Serialize;

use super::{
    Blueprint,
    plan::{Plan, PlannedNode},
};
use crate::spec::{AddressPlan, ClusterName, ClusterSpec, IpFamily, KubeProxyMode, KubeadmPatches};

/// A cluster that is not made yet.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outline {
    /// Its name.
    pub name: ClusterName,
    /// The kubeconfig's context.
    pub context: String,
    /// The engine's network.
    pub network: String,
    /// Where the API is published on the host; no port is a free one.
    pub api_server: OutlinedServer,
    /// The address families.
    pub ip_family: IpFamily,
    /// The range of pod addresses.
    pub pod_subnet: String,
    /// The range of service addresses.
    pub service_subnet: String,
    /// Whether nodes bring a pod network.
    pub default_cni: bool,
    /// How services are implemented.
    pub kube_proxy_mode: KubeProxyMode,
    /// The domains that nodes search; nothing for the host's.
    pub dns_search: Option<Vec<String>>,
    /// The load balancer's container and address.
    pub load_balancer: Option<(String, IpAddr)>,
    /// The nodes, control planes first.
    pub nodes: Vec<OutlinedNode>,
    /// Feature gates of every component.
    pub feature_gates: BTreeMap<String, bool>,
    /// The API server's `--runtime-config`.
    pub runtime_config: BTreeMap<String, String>,
    /// The patches of every node.
    pub patches: Vec<String>,
    /// Images that every node is to have.
    pub images: Vec<String>,
    /// The paths of the manifests to apply.
    pub manifests: Vec<String>,
    /// The registry's port on the host, where there is one; no port is a free one.
    pub registry: Option<OutlinedRegistry>,
    /// What a reader may not expect.
    pub remarks: Vec<String>,
}

/// A registry that is not made yet.
#[derive(Debug, Clone, Serialize)]
pub struct OutlinedRegistry {
    /// Its container.
    pub name: String,
    /// The port on the host; nothing for a free one.
    pub port: Option<u16>,
    /// The hosts that are mirrored.
    pub mirrors: Vec<String>,
}

/// Where the API is published.
#[derive(Debug, Clone, Serialize)]
pub struct OutlinedServer {
    /// The address on the host.
    pub address: String,
    /// The port; nothing for a free one.
    pub port: Option<u16>,
}

/// A node that is not made yet. Mounts and ports are in words, as `docker` takes them.
#[derive(Debug, Clone, Serialize)]
pub struct OutlinedNode {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: String,
    /// Its address in the cluster's network.
    pub address: IpAddr,
    /// Its IPv6 address, where the cluster has both families.
    pub secondary_address: Option<IpAddr>,
    /// Its image; nothing for the default one.
    pub image: Option<String>,
    /// Kubernetes labels.
    pub labels: BTreeMap<String, String>,
    /// Host folders.
    pub mounts: Vec<String>,
    /// Published ports.
    pub ports: Vec<String>,
    /// Its own patches.
    pub patches: Vec<String>,
    /// How many thousandths of a processor it may use; nothing for all.
    pub milli_cpus: Option<u64>,
    /// How many bytes of memory it may use; nothing for all.
    pub memory: Option<u64>,
    /// Its taints, as kubectl writes them; nothing for the usual ones.
    pub taints: Option<Vec<String>>,
}

/// The outline of a valid specification.
pub fn outline(name: &ClusterName, spec: &ClusterSpec) -> Outline {
    let plan = Plan::new(&Blueprint {
        name: name.clone(),
        creation: crate::provision::Creation::new(),
        spec: spec.clone(),
        image: String::new(),
        origin: None,
        load_balancer_image: None,
        labels: Labels::new(),
        retain: false,
        deadline: None,
        wait: None,
        pools: crate::spec::NetworkPools::default(),
        proxy: crate::spec::Proxy::default(),
        logs: std::path::PathBuf::new(),
    });
    let networking = &spec.networking;
    let addresses = AddressPlan::of(networking);
    let mut patches = patches_in_words(&spec.kubeadm_patches);
    patches.extend(spec.containerd_patches.merge.iter().map(|_| "containerd (merge)".to_owned()));
    patches.extend(spec.containerd_patches.json.iter().map(|_| "containerd (JSON)".to_owned()));
    Outline {
        name: name.clone(),
        context: name.context(),
        network: name.network(),
        api_server: OutlinedServer {
            address: networking.api_server_address.to_string(),
            port: networking.api_server_port,
        },
        ip_family: networking.ip_family,
        pod_subnet: networking.pod_subnet.clone(),
        service_subnet: networking.service_subnet.clone(),
        default_cni: !networking.disable_default_cni,
        kube_proxy_mode: networking.kube_proxy_mode,
        dns_search: networking.dns_search.clone(),
        load_balancer: plan.load_balancer.as_ref().map(|name| (name.to_string(), addresses.load_balancer().primary)),
        nodes: plan.nodes.iter().map(outlined).collect(),
        feature_gates: spec.feature_gates.clone(),
        runtime_config: spec.runtime_config.clone(),
        patches,
        images: spec.images.clone(),
        manifests: spec.manifests.iter().map(|manifest| manifest.path.clone()).collect(),
        registry: spec.registry.as_ref().map(|registry| OutlinedRegistry {
            name: name.registry().to_string(),
            port: registry.port,
            mirrors: registry.mirrors.iter().map(|mirror| mirror.host.clone()).collect(),
        }),
        remarks: remarks(spec),
    }
}

fn outlined(node: &PlannedNode) -> OutlinedNode {
    let mounts = node.spec.extra_mounts.iter().map(|mount| mount_in_words(&mount.target, &mount.kind));
    let ports = node.spec.extra_port_mappings.iter().map(|port| {
        let host = port.host_port.map_or_else(|| "a free port".to_owned(), |port| port.to_string());
        let protocol = match port.protocol {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
            Protocol::Sctp => "SCTP",
        };
        format!("{} {host} -> {} {protocol}", port.listen_address, port.container_port)
    });
    OutlinedNode {
        name: node.name.to_string(),
        role: node.role.to_string(),
        address: node.addresses.primary,
        secondary_address: node.addresses.secondary,
        image: node.spec.image.clone(),
        labels: node.spec.labels.clone(),
        mounts: mounts.collect(),
        ports: ports.collect(),
        patches: patches_in_words(&node.spec.kubeadm_patches),
        milli_cpus: node.spec.nano_cpus.map(|cpus| cpus / 1_000_000),
        memory: node.spec.memory,
        taints: node.spec.taints.as_ref().map(|taints| taints.iter().map(ToString::to_string).collect()),
    }
}

fn mount_in_words(target: &str, kind: &MountKind) -> String {
    let MountKind::Host { path, read_only, selinux_relabel, propagation } = kind else { return target.to_owned() };
    let mut words = vec![if *read_only { "read only" } else { "writable" }];
    if *selinux_relabel {
        words.push("relabelled for SELinux");
    }
    match propagation {
        Propagation::None => {}
        Propagation::HostToContainer => words.push("the host's mounts spread"),
        Propagation::Bidirectional => words.push("mounts spread both ways"),
    }
    format!("{path} -> {target} ({})", words.join(", "))
}

fn patches_in_words(patches: &KubeadmPatches) -> Vec<String> {
    let merge = patches.merge.iter().filter(|patch| !patch.is_for_others());
    let json = patches.json.iter().filter(|patch| !patch.is_for_others());
    merge
        .map(|patch| format!("{} (merge)", patch.kind))
        .chain(json.map(|patch| format!("{} (JSON)", patch.kind)))
        .collect()
}

/// What a specification holds that does not become part of the cluster.
pub(super) fn remarks(spec: &ClusterSpec) -> Vec<String> {
    let mut remarks = Vec::new();
    let levels = std::iter::once((String::new(), &spec.kubeadm_patches))
        .chain(spec.nodes.iter().enumerate().map(|(index, node)| (format!("nodes[{index}]."), &node.kubeadm_patches)));
    for (level, patches) in levels {
        let merge = patches.merge.iter().enumerate().filter(|(_, patch)| patch.is_for_others());
        let merge = merge.map(|(index, patch)| ("kubeadmConfigPatches", index, &patch.api_version, patch.kind));
        let json = patches.json.iter().enumerate().filter(|(_, patch)| patch.is_for_others());
        let json = json.map(|(index, patch)| ("kubeadmConfigPatchesJSON6902", index, &patch.api_version, patch.kind));
        remarks.extend(merge.chain(json).map(|(field, index, version, kind)| {
            let version = version.as_deref().unwrap_or_default();
            format!("{level}{field}[{index}] is left out: it is for {version}, nodes read {}", kind.api_version())
        }));
    }
    remarks.extend(crate::render::remarks(spec));
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{DocumentKind, MergePatch};

    #[test]
    fn patches_for_other_releases_are_remarked_and_not_listed() {
        let mut spec = ClusterSpec::single_node();
        let content = serde_json::json!({});
        let patch = |version: &str| MergePatch {
            api_version: Some(version.to_owned()),
            kind: DocumentKind::InitConfiguration,
            content: content.clone(),
        };
        spec.nodes[0].kubeadm_patches.merge = vec![patch("kubeadm.k8s.io/v1beta3"), patch("kubeadm.k8s.io/v1beta4")];
        let outline = outline(&ClusterName::new("a").unwrap(), &spec);
        assert_eq!(outline.nodes[0].patches, ["InitConfiguration (merge)"]);
        let expected = "nodes[0].kubeadmConfigPatches[0] is left out: it is for kubeadm.k8s.io/v1beta3, nodes read \
                        kubeadm.k8s.io/v1beta4";
        assert_eq!(outline.remarks, [expected]);
    }
}
