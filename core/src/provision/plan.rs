//! What will be created, computed before anything is: names, addresses and roles of all nodes.

use std::net::IpAddr;

use kind_engine::Labels;

use super::Blueprint;
use crate::{
    render::{ClusterText, NodeText},
    spec::{AddressPlan, Addresses, ClusterName, NodeName, NodeSpec, Role, cluster_labels, instance_labels},
};

/// One node to be.
#[derive(Debug, Clone)]
pub(super) struct PlannedNode {
    /// What Kubernetes calls it.
    pub(super) name: NodeName,
    /// What the engine calls it: a clone's node keeps the name of its source's.
    pub(super) container: NodeName,
    pub(super) role: Role,
    pub(super) addresses: Addresses,
    pub(super) image: String,
    pub(super) spec: NodeSpec,
    /// Its place in the specification.
    position: usize,
}

/// The whole cluster to be.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) blueprint: Blueprint,
    pub(super) nodes: Vec<PlannedNode>,
    /// The load balancer's name, where several control planes need one.
    pub(super) load_balancer: Option<NodeName>,
    /// Labels of everything.
    pub(super) labels: Labels,
    /// The name of the engine's machine, where its address has one.
    pub(super) machine: Option<String>,
}

impl Plan {
    pub(super) fn new(blueprint: &Blueprint) -> Self {
        let spec = &blueprint.spec;
        let addresses = AddressPlan::of(&spec.networking);
        let mut of_role = [0, 0];
        let mut nodes = Vec::new();
        // Control planes first: their addresses do not depend on how many workers there are.
        let placed = || spec.nodes.iter().enumerate();
        let ordered = placed()
            .filter(|(_, node)| node.role == Role::ControlPlane)
            .chain(placed().filter(|(_, node)| node.role == Role::Worker));
        let origin = blueprint.origin.as_ref();
        let names = origin.map_or(&blueprint.name, |origin| &origin.cluster);
        for (index, (position, node)) in ordered.enumerate() {
            let count = &mut of_role[usize::from(node.role == Role::Worker)];
            let name = names.node(node.role, *count);
            let image = origin.and_then(|origin| origin.image(&name)).or(node.image.as_ref());
            nodes.push(PlannedNode {
                container: blueprint.name.node(node.role, *count),
                role: node.role,
                addresses: addresses.node(index),
                image: image.unwrap_or(&blueprint.image).clone(),
                name,
                spec: node.clone(),
                position,
            });
            *count += 1;
        }
        let mut labels = cluster_labels(&blueprint.name);
        labels.extend(instance_labels(blueprint.creation.instance()));
        labels.extend(blueprint.labels.clone());
        let load_balancer = spec.is_highly_available().then(|| blueprint.name.load_balancer());
        Self { blueprint: blueprint.clone(), nodes, load_balancer, labels, machine: None }
    }

    /// The cluster that the nodes are named after.
    pub(super) fn names(&self) -> &ClusterName {
        let Blueprint { name, origin, .. } = &self.blueprint;
        origin.as_ref().map_or(name, |origin| &origin.cluster)
    }

    pub(super) fn control_planes(&self) -> impl Iterator<Item = &PlannedNode> {
        self.nodes.iter().filter(|node| node.role == Role::ControlPlane)
    }

    pub(super) fn workers(&self) -> impl Iterator<Item = &PlannedNode> {
        self.nodes.iter().filter(|node| node.role == Role::Worker)
    }

    /// The control plane that initialises the cluster.
    pub(super) fn first(&self) -> &PlannedNode {
        self.control_planes().next().expect("a valid specification has a control plane")
    }

    /// The control planes that come up beside the first one.
    pub(super) fn others(&self) -> impl Iterator<Item = &PlannedNode> {
        self.control_planes().skip(1)
    }

    /// Where every node finds the API.
    pub(super) fn endpoint(&self) -> IpAddr {
        let balancer = AddressPlan::of(&self.blueprint.spec.networking).load_balancer();
        if self.load_balancer.is_some() { balancer.primary } else { self.first().addresses.primary }
    }

    /// The container whose API port is published on the host.
    pub(super) fn published(&self) -> &NodeName {
        self.load_balancer.as_ref().unwrap_or(&self.first().container)
    }

    /// What all nodes' kubeadm files have in common.
    pub(super) fn cluster_text(&self, kubernetes_version: &str, token: &str) -> ClusterText {
        let networking = &self.blueprint.spec.networking;
        let cluster = |certificate_names| self.cluster_with(kubernetes_version, token, certificate_names);
        let inside = [self.published().to_string(), self.endpoint().to_string()];
        // On this machine a clone goes by a name that no other cluster of its authority has, and by no address: whoever
        // means another one and finds a clone at its port hears that it is not.
        if let Some(own) = self.server_name() {
            return cluster([own].into_iter().chain(inside).collect());
        }
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        names.extend(inside);
        if networking.ip_family.has_ipv6() || networking.api_server_address.is_ipv6() {
            names.push("::1".to_owned());
        }
        let listen = networking.api_server_address.to_string();
        let machine = self.machine.iter().filter(|_| networking.api_server_address.is_unspecified());
        for name in [&listen].into_iter().chain(machine) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        cluster(names)
    }

    /// The name that the API server of a clone has for clients outside of the cluster.
    pub(super) fn server_name(&self) -> Option<String> {
        self.blueprint.origin.as_ref().map(|_| format!("{}.kind-rs", self.blueprint.creation.instance()))
    }

    fn cluster_with(&self, kubernetes_version: &str, token: &str, certificate_names: Vec<String>) -> ClusterText {
        ClusterText {
            name: self.names().to_string(),
            kubernetes_version: kubernetes_version.to_owned(),
            endpoint: self.endpoint(),
            certificate_names,
            token: token.to_owned(),
            control_planes: self.control_planes().map(|node| (node.name.clone(), node.addresses.primary)).collect(),
            schedule_on_control_planes: self.workers().next().is_none(),
            spec: self.blueprint.spec.clone(),
        }
    }
}

impl PlannedNode {
    pub(super) fn text(&self, skip_init: Vec<&'static str>, skip_join: Vec<&'static str>) -> NodeText {
        NodeText {
            name: self.name.clone(),
            role: self.role,
            addresses: self.addresses,
            labels: self.spec.labels.clone(),
            taints: self.spec.taints.clone(),
            position: self.position,
            patches: self.spec.kubeadm_patches.clone(),
            skip_init,
            skip_join,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ClusterSpec;

    fn plan(spec: ClusterSpec) -> Plan {
        Plan::new(&Blueprint {
            name: ClusterName::new("demo").unwrap(),
            creation: crate::provision::Creation::new(),
            spec,
            image: "image".into(),
            origin: None,
            load_balancer_image: None,
            labels: Labels::new(),
            retain: false,
            deadline: None,
            wait: None,
            pools: crate::spec::NetworkPools::default(),
            proxy: crate::spec::Proxy::default(),
            logs: "/nonexistent".into(),
        })
    }

    #[test]
    fn several_control_planes_are_reached_through_the_load_balancer() {
        let plan = plan(ClusterSpec::default());
        let names: Vec<&str> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["demo-control-plane", "demo-control-plane2", "demo-control-plane3", "demo-worker"]);
        assert_eq!(plan.endpoint().to_string(), "100.64.7.10");
        assert_eq!(plan.published().as_str(), "demo-external-load-balancer");
    }

    #[test]
    fn a_single_control_plane_is_reached_directly() {
        let plan = plan(ClusterSpec::single_node());
        assert_eq!(plan.endpoint().to_string(), "100.64.7.11");
        assert_eq!(plan.published().as_str(), "demo-control-plane");
        assert!(plan.cluster_text("v1", "t").schedule_on_control_planes);
    }
}
