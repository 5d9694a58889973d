//! Step: all containers at once, nodes and load balancer, each with the files it starts with.

use std::{collections::BTreeMap, net::IpAddr};

use futures::future::try_join_all;
use kind_engine::{
    ContainerSpec, Labels, Mount, MountKind, PortMapping, Privileges, Propagation, Protocol, RestartPolicy,
};

use super::{
    clone,
    context::Context,
    origin::Made,
    plan::PlannedNode,
    rootless,
    running::OnNodes,
    steps::{Failure, OnNode as _, StepError},
    taken,
};
use crate::{
    render::{DISCOVERY_PATH, LOAD_BALANCER_FOLDER, address_file, discovery, load_balancer_files},
    spec::{
        AddressPlan, LABEL_CONTAINER, LABEL_NODE, LABEL_ROLE, LOAD_BALANCER_PORT, NodeName, ROLE_LOAD_BALANCER, Role,
    },
};

/// The ports to choose from where none is asked for: below those that hosts take for connections of their own, so that a
/// port is still free when its container starts again, and below Kubernetes' node ports.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 10_000;
/// How often a port that somebody else has is chosen anew.
const PORT_ATTEMPTS: usize = 10;

/// Takes the cluster's name: an engine gives a name to one container only, and every tool names the first control plane
/// the same. What has the name is a container that never runs, because the real one wants a network, and two creations must
/// not make one each.
pub(super) async fn reserve(context: &Context) -> Result<(), Failure> {
    let PlannedNode { container: name, role, image, .. } = context.plan.first();
    let spec = ContainerSpec {
        name: name.to_string(),
        image: image.clone(),
        labels: labels(context, name, &role.to_string()),
        ..ContainerSpec::default()
    };
    match context.plan.blueprint.creation.reserve(&context.engine, spec).await {
        Ok(id) => {
            context.reservation.get_or_init(|| id);
            Ok(())
        }
        Err(error) => Err(taken::explain(context, name, error).await).on(name),
    }
}

/// Gives the name to the real container, which has to ask for it at once. Who deleted the cluster meanwhile removed what had
/// its name.
async fn release(context: &Context) -> Result<(), Failure> {
    let Some(id) = context.reservation.get() else { return Ok(()) };
    if context.engine.container(id).await?.is_none() {
        return Err(StepError::Deleted { name: context.plan.blueprint.name.clone() }.into());
    }
    Ok(context.engine.remove_container(id).await?)
}

/// Starts everything and returns the port on the host that the API is published on. The container that has the cluster's
/// name comes first and alone: another creation may have been faster, and then nothing else may be made.
pub(super) async fn start(context: &Context, on: OnNodes<'_>) -> Result<u16, Failure> {
    release(context).await?;
    let first = &context.plan.first().name;
    let run = async |node: &PlannedNode| {
        let spec = node_container(context, node)?;
        let run = async {
            if context.plan.published() == &node.container {
                return run_published(context, &node.name, api(context), spec).await.map(Some);
            }
            context.run_container(&node.name, spec).await?;
            Ok(None)
        };
        on.each(&node.name, run).await
    };
    let port = run(context.plan.first()).await?;
    let balancer = async {
        match &context.plan.load_balancer {
            Some(name) => {
                on.each(name, run_published(context, name, api(context), load_balancer(context, name))).await.map(Some)
            }
            None => Ok(None),
        }
    };
    let nodes = try_join_all(context.plan.nodes.iter().filter(|node| &node.name != first).map(run));
    let (balancer, _) = futures::try_join!(balancer, nodes)?;
    Ok(port.or(balancer).expect("the load balancer or the first control plane is published"))
}

/// A port of a container on the host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Published {
    /// Where a specification says which port.
    pub(super) setting: &'static str,
    /// The host's address.
    pub(super) address: IpAddr,
    /// The host's port; `None` for any.
    pub(super) port: Option<u16>,
    /// The container's.
    pub(super) container_port: u16,
}

/// How the API is published.
fn api(context: &Context) -> Published {
    let networking = &context.plan.blueprint.spec.networking;
    Published {
        setting: taken::API_SERVER_PORT,
        address: networking.api_server_address,
        port: networking.api_server_port,
        container_port: LOAD_BALANCER_PORT,
    }
}

/// Runs the container with a port published. The port is chosen here and not by the engine, because an engine's choice
/// changes when the container is started again; whether it is free only the engine can tell, whose machine it is on.
pub(super) async fn run_published(
    context: &Context,
    name: &NodeName,
    wanted: Published,
    spec: ContainerSpec,
) -> Result<u16, Failure> {
    let address = wanted.address;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let port = wanted.port.unwrap_or_else(random_port);
        let mut published = spec.clone();
        published.ports.push(PortMapping {
            container_port: wanted.container_port,
            host_port: Some(port),
            listen_address: address,
            protocol: Protocol::Tcp,
        });
        match context.run_container(name, published).await {
            Ok(()) => return Ok(port),
            Err(Failure { source: StepError::Engine(error), .. }) if is_port_taken(&error) => {
                let setting = wanted.setting.to_owned();
                match wanted.port {
                    Some(port) => return Err(StepError::PortTaken { setting, address, port, by: None }).on(name),
                    None if attempt < PORT_ATTEMPTS => {}
                    None => return Err(error).on(name),
                }
            }
            Err(other) => return Err(other),
        }
    }
}

fn random_port() -> u16 {
    let mut random = [0; 4];
    getrandom::fill(&mut random).expect("the kernel has random numbers");
    let offset = u32::from_le_bytes(random) % u32::from(PORTS);
    FIRST_PORT + u16::try_from(offset).expect("less than the number of ports")
}

/// In the words of Docker, of podman, and of Docker Desktop, whose other half listens.
fn is_port_taken(error: &kind_engine::EngineError) -> bool {
    let text = error.to_string();
    let words =
        ["port is already allocated", "address already in use", "ports are not available", "only one usage of each"];
    words.iter().any(|words| text.to_lowercase().contains(words))
}

fn node_container(context: &Context, node: &PlannedNode) -> Result<ContainerSpec, Failure> {
    let networking = &context.plan.blueprint.spec.networking;
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    // Without a pod subnet the node image leaves the pod network to the user.
    let pods = if networking.disable_default_cni { "" } else { &networking.pod_subnet };
    let mut environment = BTreeMap::from([
        text("KIND_RS_NODE_ADDRESS", &node.addresses.with_prefixes()),
        text("KIND_RS_SERVICE_SUBNET", &networking.service_subnet),
        text("KIND_RS_POD_SUBNET", pods),
    ]);
    environment.extend(context.proxies());
    if let Some(domains) = &networking.dns_search {
        environment.insert("KIND_DNS_SEARCH".to_owned(), domains.join(" "));
    }
    let mut files = vec![address_file(node.addresses)];
    if node.role == Role::ControlPlane {
        files.extend(context.authority.files.iter().cloned());
        files.push(Made::file(&context.plan, &context.authority.certificate, context.authority.expires));
    }
    if let Some(origin) = &context.plan.blueprint.origin {
        files.extend(clone::files(context, node, origin)?);
    } else if node.name != context.plan.first().name {
        let cluster = context.plan.cluster_text("", &context.token);
        files.push(kind_engine::NodeFile::secret(DISCOVERY_PATH, discovery(&cluster, &context.authority.certificate)));
    }
    let mut mounts = own_mounts();
    mounts.extend(node.spec.extra_mounts.iter().cloned());
    // The user's own mount of these is meant where there is one.
    let devices = mapped_devices(&context.machine.storage_driver).into_iter().chain(rootless::fuse(&context.machine));
    let devices: Vec<Mount> = devices.filter(|device| mounts.iter().all(|one| one.target != device.target)).collect();
    mounts.extend(devices);
    let mut labels = labels(context, &node.container, &node.role.to_string());
    if node.is_renamed() {
        labels.insert(LABEL_NODE.to_owned(), node.name.to_string());
    }
    Ok(ContainerSpec {
        name: node.container.to_string(),
        hostname: node.name.to_string(),
        image: node.image.clone(),
        environment,
        labels,
        network: context.network(),
        mounts,
        ports: node.spec.extra_port_mappings.clone(),
        privileges: Privileges::Full,
        // Root in a node must be root on the machine: no mount and no cgroup of it is to be had otherwise.
        host_userns: context.machine.userns_remapped,
        memory: node.spec.memory,
        nano_cpus: node.spec.nano_cpus,
        restart: RestartPolicy::OnFailure(1),
        files,
        ..ContainerSpec::default()
    })
}

/// What every node has; a specification's mounts cannot be there.
fn own_mounts() -> Vec<Mount> {
    vec![
        // systemd wants these in memory.
        Mount { target: "/tmp".into(), kind: MountKind::Tmpfs { options: String::new() } },
        Mount { target: "/run".into(), kind: MountKind::Tmpfs { options: String::new() } },
        // containerd's overlays cannot lie on the container's own overlay; a volume is an ordinary file system.
        Mount { target: "/var".into(), kind: MountKind::AnonymousVolume },
        // kube-proxy and the pod network look for kernel modules.
        Mount { target: "/lib/modules".into(), kind: host("/lib/modules") },
    ]
}

/// Where the engine's file system names its devices below `/dev/mapper`, the kubelet looks for them there.
fn mapped_devices(storage_driver: &str) -> Option<Mount> {
    let kind = MountKind::Host {
        path: "/dev/mapper".to_owned(),
        read_only: false,
        selinux_relabel: false,
        propagation: Propagation::None,
    };
    let is_mapped = ["btrfs", "devicemapper", "xfs", "zfs"].contains(&storage_driver);
    is_mapped.then(|| Mount { target: "/dev/mapper".to_owned(), kind })
}

fn host(path: &str) -> MountKind {
    MountKind::Host { path: path.to_owned(), read_only: true, selinux_relabel: false, propagation: Propagation::None }
}

fn load_balancer(context: &Context, name: &NodeName) -> ContainerSpec {
    let blueprint = &context.plan.blueprint;
    let family = blueprint.spec.networking.ip_family;
    let control_planes: Vec<(&NodeName, IpAddr)> =
        context.plan.control_planes().map(|node| (&node.name, node.addresses.primary)).collect();
    let address = AddressPlan::of(&blueprint.spec.networking).load_balancer().with_prefixes();
    ContainerSpec {
        name: name.to_string(),
        hostname: name.to_string(),
        image: blueprint.load_balancer_image.clone().unwrap_or_else(|| blueprint.image.clone()),
        entrypoint: vec!["/bin/bash".to_owned(), format!("{LOAD_BALANCER_FOLDER}/run")],
        environment: BTreeMap::from([("KIND_RS_NODE_ADDRESS".to_owned(), address)]),
        labels: labels(context, name, ROLE_LOAD_BALANCER),
        network: context.network(),
        // It gives itself its fixed address.
        capabilities: vec!["NET_ADMIN".to_owned()],
        restart: RestartPolicy::OnFailure(1),
        files: load_balancer_files(family, &control_planes, &context.authority.certificate),
        ..ContainerSpec::default()
    }
}

/// The labels of a container.
pub(super) fn labels(context: &Context, name: &NodeName, role: &str) -> Labels {
    let mut labels = context.plan.labels.clone();
    labels.insert(LABEL_ROLE.to_owned(), role.to_owned());
    labels.insert(LABEL_CONTAINER.to_owned(), name.to_string());
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nodes_have_a_specification_cannot() {
        let targets: Vec<String> = own_mounts().into_iter().map(|mount| mount.target).collect();
        assert_eq!(targets, crate::spec::MOUNTS_OF_NODES);
    }

    #[test]
    fn ports_are_none_that_hosts_take_for_themselves() {
        let ports: std::collections::BTreeSet<u16> = (0..100).map(|_| random_port()).collect();
        assert!(ports.len() > 50 && ports.iter().all(|port| (20_000..30_000).contains(port)), "{ports:?}");
    }

    #[test]
    fn devices_are_mapped_for_the_drivers_that_name_them_so() {
        assert_eq!(mapped_devices("zfs").map(|mount| mount.target).as_deref(), Some("/dev/mapper"));
        assert_eq!(mapped_devices("overlay2"), None);
    }
}
