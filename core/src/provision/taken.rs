//! What a cluster needs and somebody else may have: container names and ports of the host. Looked for before the work, and
//! explained where it was taken meanwhile.

use std::{
    io,
    net::{IpAddr, TcpListener, UdpSocket},
};

use kind_engine::{ContainerFacts, Engine, EngineError, EngineFacts, Labels, Protocol};

use super::{
    context::Context,
    plan::Plan,
    steps::{Failure, OnNode as _, StepError},
};
use crate::{
    inventory::is_member,
    spec::{ClusterName, LABEL_CLUSTER, LABEL_INSTANCE, NodeName},
};

/// The settings that name ports, as a configuration has them.
pub(super) const API_SERVER_PORT: &str = "networking.apiServerPort";
pub(super) const REGISTRY_PORT: &str = "registry.port";

/// Refuses a cluster whose name, containers' names or ports are taken.
pub(super) async fn check(engine: &dyn Engine, plan: &Plan, machine: &EngineFacts) -> Result<(), Failure> {
    let all = engine.containers(&Labels::new()).await?;
    let name = &plan.blueprint.name;
    let mut members: Vec<&str> =
        all.iter().filter(|one| is_of(one, name)).map(|container| container.name.as_str()).collect();
    if !members.is_empty() {
        members.sort_unstable();
        return Err(StepError::NameTaken { name: name.to_string(), containers: members.join(", ") }.into());
    }
    for (container, purpose) in names(plan) {
        if all.iter().any(|one| one.name == container.as_str()) {
            return Err(StepError::ContainerTaken { container: container.to_string(), purpose }).on(&container);
        }
    }
    for wanted in ports(plan) {
        let by = all.iter().find(|container| wanted.is_of(container)).map(|by| format!("container {}", by.name));
        if by.is_some() || machine.local && wanted.is_in_use() {
            let HostPort { setting, address, port, .. } = wanted;
            return Err(StepError::PortTaken { setting, address, port, by }.into());
        }
    }
    Ok(())
}

/// What the engine's refusal of a container means: its name may have been taken since it was looked for.
pub(super) async fn explain(context: &Context, container: &NodeName, error: EngineError) -> StepError {
    if !error.is_container_taken() {
        return error.into();
    }
    let blueprint = &context.plan.blueprint;
    let name = &blueprint.name;
    let is_own = |found: &ContainerFacts| {
        found.labels.get(LABEL_INSTANCE).is_some_and(|instance| instance == blueprint.creation.instance().as_str())
    };
    match context.engine.container(container.as_str()).await {
        // What had the name for this creation, which somebody else is removing.
        Ok(Some(found)) if is_own(&found) => StepError::Deleted { name: name.clone() },
        Ok(None) if context.reservation.get().is_some() => StepError::Deleted { name: name.clone() },
        Ok(Some(found)) if !is_of(&found, name) => {
            let purpose = names(&context.plan).find(|(one, _)| one == container).and_then(|(_, purpose)| purpose);
            StepError::ContainerTaken { container: container.to_string(), purpose }
        }
        // It may be gone again: the other creation failed, or it was deleted.
        Ok(_) => StepError::NameTaken { name: name.to_string(), containers: container.to_string() },
        Err(_) => error.into(),
    }
}

fn is_of(container: &ContainerFacts, cluster: &ClusterName) -> bool {
    container.labels.get(LABEL_CLUSTER).is_some_and(|name| name == cluster.as_str()) && is_member(container)
}

/// Every container's name, with what it is for where it is no node.
fn names(plan: &Plan) -> impl Iterator<Item = (NodeName, Option<&'static str>)> {
    let Plan { blueprint, nodes, load_balancer, .. } = plan;
    let registry = blueprint.spec.registry.as_ref();
    let mirrors = 0..registry.map_or(0, |registry| registry.mirrors.len());
    let nodes = nodes.iter().map(|node| (node.container.clone(), None));
    let balancer = load_balancer.iter().map(|name| (name.clone(), Some("load balancer")));
    let registry = registry.map(|_| (blueprint.name.registry(), Some("registry")));
    let mirrors = mirrors.map(move |index| (blueprint.name.mirror(index), Some("registry mirror")));
    nodes.chain(balancer).chain(registry).chain(mirrors)
}

/// A port of the host that the specification names.
struct HostPort {
    setting: String,
    address: IpAddr,
    port: u16,
    protocol: Protocol,
}

fn ports(plan: &Plan) -> Vec<HostPort> {
    let spec = &plan.blueprint.spec;
    let tcp =
        |setting: &str, address, port| HostPort { setting: setting.to_owned(), address, port, protocol: Protocol::Tcp };
    let api =
        spec.networking.api_server_port.map(|port| tcp(API_SERVER_PORT, spec.networking.api_server_address, port));
    let registry = spec.registry.as_ref().and_then(|registry| registry.port);
    let registry = registry.map(|port| tcp(REGISTRY_PORT, IpAddr::from([127, 0, 0, 1]), port));
    let of_nodes = plan.nodes.iter().flat_map(|node| {
        node.spec.extra_port_mappings.iter().filter_map(move |mapping| {
            Some(HostPort {
                setting: format!("extraPortMappings of {}", node.name),
                address: mapping.listen_address,
                port: mapping.host_port?,
                protocol: mapping.protocol,
            })
        })
    });
    api.into_iter().chain(registry).chain(of_nodes).collect()
}

impl HostPort {
    /// Whether a container publishes it.
    fn is_of(&self, container: &ContainerFacts) -> bool {
        let meets = |address: &str| {
            address.parse().map_or(true, |other: IpAddr| {
                other == self.address
                    || other.is_ipv4() == self.address.is_ipv4()
                        && (other.is_unspecified() || self.address.is_unspecified())
            })
        };
        let has = |(_, address, port): &(u16, String, u16)| *port == self.port && meets(address);
        self.protocol == Protocol::Tcp && container.is_running() && container.ports.iter().any(has)
    }

    /// Whether something on this machine listens there. What cannot be told is left to the engine.
    fn is_in_use(&self) -> bool {
        let at = (self.address, self.port);
        let bound = match self.protocol {
            Protocol::Tcp => TcpListener::bind(at).map(drop),
            Protocol::Udp => UdpSocket::bind(at).map(drop),
            Protocol::Sctp => return false,
        };
        bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(address: &str, port: u16, protocol: Protocol) -> HostPort {
        HostPort { setting: "x".to_owned(), address: address.parse().unwrap(), port, protocol }
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_in_use() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let number = tcp.local_addr().unwrap().port();
        assert!(port("127.0.0.1", number, Protocol::Tcp).is_in_use());
        assert!(port("0.0.0.0", number, Protocol::Tcp).is_in_use());
        assert!(!port("127.0.0.2", number, Protocol::Tcp).is_in_use());
        assert!(!port("127.0.0.1", number, Protocol::Udp).is_in_use());
        // An address that this machine does not have is the engine's to judge.
        assert!(!port("192.0.2.1", number, Protocol::Tcp).is_in_use());
        drop(tcp);
        assert!(!port("127.0.0.1", number, Protocol::Tcp).is_in_use());
    }

    #[test]
    fn a_port_that_a_container_publishes_is_found_by_its_address() {
        let publishes = |address: &str| ContainerFacts {
            state: "running".to_owned(),
            ports: vec![(5000, address.to_owned(), 5001)],
            ..ContainerFacts::default()
        };
        for (wanted, published, meets) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "0.0.0.0", true),
            ("0.0.0.0", "192.168.0.1", true),
            ("127.0.0.1", "192.168.0.1", false),
            ("127.0.0.1", "::", false),
        ] {
            let found = port(wanted, 5001, Protocol::Tcp).is_of(&publishes(published));
            assert_eq!(found, meets, "{wanted} where {published} is published");
        }
        assert!(!port("127.0.0.1", 5002, Protocol::Tcp).is_of(&publishes("127.0.0.1")));
    }
}
