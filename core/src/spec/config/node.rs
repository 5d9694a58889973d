//! An item of `nodes`: role, image, labels, mounts and ports.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

use kind_engine::{Mount, MountKind, PortMapping, Propagation, Protocol};
use kind_images::{UnsupportedVersion, node_image};

use super::{error::Mistake, extension, labels, patches, path::FieldPath, reader::Field};
use crate::spec::{IpFamily, Networking, NodeSpec, Role, mounts};

const FIELDS: &[&str] = &[
    "role",
    "image",
    "labels",
    "extraMounts",
    "extraPortMappings",
    "kubeadmConfigPatches",
    "kubeadmConfigPatchesJSON6902",
];
const MOUNT_FIELDS: &[&str] = &["containerPath", "hostPath", "readOnly", "selinuxRelabel", "propagation"];
const PORT_FIELDS: &[&str] = &["containerPort", "hostPort", "listenAddress", "protocol"];

const ROLES: &[(&str, Role)] = &[("control-plane", Role::ControlPlane), ("worker", Role::Worker)];
const PROPAGATIONS: &[(&str, Propagation)] = &[
    ("None", Propagation::None),
    ("HostToContainer", Propagation::HostToContainer),
    ("Bidirectional", Propagation::Bidirectional),
];
/// Docker's words for kind's; kind takes them in any case.
const PROTOCOLS: &[(&str, Protocol)] = &[("TCP", Protocol::Tcp), ("UDP", Protocol::Udp), ("SCTP", Protocol::Sctp)];

/// What could be read of a node. `folder` is where relative host paths begin.
pub(super) fn read(field: &Field<'_>, folder: &Path, claims: &mut Claims) -> Option<NodeSpec> {
    let object = field.extended_object(FIELDS, extension::NODE_FIELDS)?;
    let mut node = NodeSpec::default();
    if let Some(role) = object.get("role") {
        node.role = role.word(ROLES).unwrap_or_default();
    }
    node.image = object.get("image").and_then(|image| {
        let is_one = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let text = image.checked_text("an image reference such as kindest/node:v1.37.0", is_one)?;
        let refuse = |unsupported: UnsupportedVersion| {
            let found = format!("{text:?}");
            image.refuse(Mistake::UnknownWord { found, allowed: unsupported.supported, suggestion: None });
        };
        node_image(&text).map_err(refuse).ok()
    });
    for (name, label) in object.get("labels").map(|labels| labels.entries()).unwrap_or_default() {
        if let Err(expected) = labels::check_name(&name) {
            label.refuse_name(Mistake::Wrong { found: format!("{name:?}"), expected });
        } else if let Some(value) = label.checked_text(labels::VALUE, labels::is_value) {
            node.labels.insert(name, value);
        }
    }
    let mut targets: Vec<(String, FieldPath)> = Vec::new();
    for item in object.get("extraMounts").map(|mounts| mounts.items()).unwrap_or_default() {
        let Some(mount) = read_mount(&item, folder) else { continue };
        if let Some((_, other)) = targets.iter().find(|(taken, _)| *taken == mount.target) {
            item.refuse(Mistake::Taken { what: format!("containerPath {}", mount.target), other: other.clone() });
        }
        targets.push((mount.target.clone(), item.path.clone()));
        node.extra_mounts.push(mount);
    }
    for item in object.get("extraPortMappings").map(|ports| ports.items()).unwrap_or_default() {
        node.extra_port_mappings.extend(read_port(&item, claims));
    }
    node.kubeadm_patches = patches::read_kubeadm(&object);
    extension::read_node(&object, &mut node);
    Some(node)
}

fn read_mount(field: &Field<'_>, folder: &Path) -> Option<Mount> {
    let object = field.object(MOUNT_FIELDS)?;
    let is_target = |text: &str| text.starts_with('/') && mounts::target(text) != "/" && !text.contains(['\0', ':']);
    let target = object.require("containerPath", "an absolute path in the node").and_then(|path| {
        let text = path.checked_text("an absolute path in the node, other than /, without ':'", is_target)?;
        let target = mounts::target(&text);
        if let Some(expected) = mounts::refuses(&target) {
            path.refuse(Mistake::Wrong { found: format!("{text:?}"), expected });
            return None;
        }
        Some(target)
    });
    let is_source = |text: &str| !text.is_empty() && !text.contains(['\0', ':']);
    let source = object.require("hostPath", "a path of the host").and_then(|path| {
        let text = path.checked_text("a path of the host, without ':'", is_source)?;
        if mounts::is_for_a_shell(&text) {
            path.refuse(Mistake::Wrong { found: format!("{text:?}"), expected: mounts::SHELLS });
            return None;
        }
        Some(mounts::resolve(folder, &text))
    });
    let read_only = object.get("readOnly").and_then(|flag| flag.flag()).unwrap_or(false);
    let selinux_relabel = object.get("selinuxRelabel").and_then(|flag| flag.flag()).unwrap_or(false);
    let propagation = object.get("propagation").and_then(|word| word.word(PROPAGATIONS)).unwrap_or_default();
    let kind = MountKind::Host { path: source?, read_only, selinux_relabel, propagation };
    Some(Mount { target: target?, kind })
}

fn read_port(field: &Field<'_>, claims: &mut Claims) -> Option<PortMapping> {
    let object = field.object(PORT_FIELDS)?;
    let container_port = object.require("containerPort", "a port of the node").and_then(|port| port.port());
    let host_port = object.get("hostPort").and_then(|port| port.port_or_free());
    let listen_address = object.get("listenAddress").and_then(|address| address.address());
    let protocol = object.get("protocol").and_then(|word| word.word_in_any_case(PROTOCOLS)).unwrap_or_default();
    let mapping = PortMapping {
        container_port: container_port?,
        host_port,
        listen_address: listen_address.unwrap_or_else(|| claims.family.loopback()),
        protocol,
    };
    let claim = Claim { port: mapping.host_port, address: mapping.listen_address, protocol: mapping.protocol };
    if let Err(mistake) = claims.add(claim, &field.path) {
        field.refuse(mistake);
    }
    Some(mapping)
}

/// A port of the host that somebody asks for; without a number any that is free.
#[derive(Clone, Copy)]
struct Claim {
    port: Option<u16>,
    address: IpAddr,
    protocol: Protocol,
}

/// Which ports of the host are asked for, and by whom.
#[derive(Default)]
pub(super) struct Claims {
    taken: Vec<(Claim, FieldPath)>,
    /// Which of the host's own addresses nodes publish on.
    family: IpFamily,
}

impl Claims {
    /// The API's own port and the cluster's family come first.
    pub(super) fn networking(&mut self, networking: &Networking, path: FieldPath) {
        let (port, address) = (networking.api_server_port, networking.api_server_address);
        self.taken.push((Claim { port, address, protocol: Protocol::Tcp }, path));
        self.family = networking.ip_family;
    }

    /// The registry's port.
    pub(super) fn registry(&mut self, port: Option<u16>, path: &FieldPath) -> Result<(), Mistake> {
        self.add(Claim { port, address: Ipv4Addr::LOCALHOST.into(), protocol: Protocol::Tcp }, path)
    }

    fn add(&mut self, claim: Claim, path: &FieldPath) -> Result<(), Mistake> {
        let meets = |other: &Claim| {
            claim.port.is_some()
                && claim.port == other.port
                && claim.protocol == other.protocol
                && (claim.address == other.address || claim.address.is_unspecified() || other.address.is_unspecified())
        };
        if let Some((taken, other)) = self.taken.iter().find(|(taken, _)| meets(taken)) {
            let what = format!("port {} of the host ({})", taken.port.unwrap_or_default(), taken.address);
            return Err(Mistake::Taken { what, other: other.clone() });
        }
        self.taken.push((claim, path.clone()));
        Ok(())
    }
}
