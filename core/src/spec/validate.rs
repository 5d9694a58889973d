//! What a specification must hold before anything is created.

use super::{AddressPlan, ClusterSpec, Networking, Role, family::Range, mounts, ranges::Subnet};

/// How many bits of an IPv4 and of an IPv6 address the pods of one node have in common, unless the controller manager is
/// told otherwise.
const OF_ONE_NODE: (u8, u8) = (24, 64);
/// The argument that tells it.
const NODE_MASK: &str = "node-cidr-mask-size";

/// A specification that cannot become a cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// There is nothing to initialise the cluster on.
    #[error("a cluster needs at least one control plane, this one has none; add a node with `role: control-plane`")]
    NoControlPlane,
    /// More nodes than addresses.
    #[error("{count} nodes: at most {} fit into one cluster", AddressPlan::MOST_NODES)]
    TooManyNodes {
        /// How many there are.
        count: usize,
    },
    /// A range of addresses is not one.
    #[error("{field} {value:?}: expected {expected}")]
    Subnet {
        /// The field's name in a configuration file.
        field: &'static str,
        /// What was given.
        value: String,
        /// What is allowed, with an example.
        expected: &'static str,
    },
    /// Two ranges have addresses in common.
    #[error("{field} {value} meets {other}: an address has to tell pods, services and nodes apart")]
    Overlap {
        /// The field's name in a configuration file.
        field: &'static str,
        /// The range.
        value: String,
        /// The other range, and what it is for.
        other: String,
    },
    /// There are more nodes than parts of the pods' range.
    #[error("podSubnet {value}: {count} nodes get a /{of_one} each, and do not find one in it; take a larger range")]
    FewPods {
        /// The range.
        value: String,
        /// How many nodes there are.
        count: usize,
        /// How large the part of one node is.
        of_one: u8,
    },
    /// A node cannot have a mount there.
    #[error("mount {target:?}: found {problem}")]
    Mount {
        /// The node's place in the list.
        node: usize,
        /// The mount's place in the node's list.
        mount: usize,
        /// Where it was to be.
        target: String,
        /// Why not.
        problem: &'static str,
    },
    /// A manifest that is named and not read.
    #[error("manifest {path} is not read: read the configuration with `config_file`, or set its content")]
    Manifest {
        /// Its path.
        path: String,
    },
    /// A name that is not usable.
    #[error(transparent)]
    Name(#[from] super::NameError),
    /// A name that is not usable for this shape.
    #[error(transparent)]
    LongName(#[from] super::NameTooLong),
}

impl ClusterSpec {
    /// Checks the specification as a whole.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn validate(&self) -> Result<(), Vec<SpecError>> {
        let mut errors = Vec::new();
        let control_planes = self.of_role(Role::ControlPlane).count();
        if control_planes == 0 {
            errors.push(SpecError::NoControlPlane);
        }
        if self.nodes.len() > AddressPlan::MOST_NODES {
            errors.push(SpecError::TooManyNodes { count: self.nodes.len() });
        }
        if let Some(name) = &self.name {
            match super::ClusterName::new(name.clone()) {
                Ok(name) => errors.extend(name.fits(self).err().map(SpecError::LongName)),
                Err(error) => errors.push(error.into()),
            }
        }
        let networking = &self.networking;
        let ranges = [
            ("podSubnet", Range::Pods, &networking.pod_subnet),
            ("serviceSubnet", Range::Services, &networking.service_subnet),
        ];
        let mut usable = true;
        for (field, range, value) in ranges {
            if let Some(expected) = networking.ip_family.refuses(range, value) {
                errors.push(SpecError::Subnet { field, value: value.clone(), expected });
                usable = false;
            }
        }
        if usable {
            errors.extend(overlap(networking));
            errors.extend(self.few_pods());
        }
        errors.extend(self.mounts());
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Whether every node gets a part of the pods' range. kubeadm refuses a range that is smaller than one part; where
    /// there are too few, some node waits for its own for ever.
    fn few_pods(&self) -> Option<SpecError> {
        if self.mentions(NODE_MASK) {
            return None;
        }
        let networking = &self.networking;
        // Other pod networks have ways of their own to share the range out.
        let count = if networking.disable_default_cni { 1 } else { self.nodes.len() };
        Subnet::parse_all(&networking.pod_subnet).into_iter().find_map(|range| {
            let of_one = if range.is_ipv6() { OF_ONE_NODE.1 } else { OF_ONE_NODE.0 };
            let parts = of_one.checked_sub(range.length()).map_or(0, |bits| 1_usize << bits);
            (parts < count).then(|| SpecError::FewPods { value: range.to_string(), count, of_one })
        })
    }

    /// Whether a patch of kubeadm's documents has this word.
    fn mentions(&self, word: &str) -> bool {
        let levels = std::iter::once(&self.kubeadm_patches).chain(self.nodes.iter().map(|node| &node.kubeadm_patches));
        let mut texts = levels.flat_map(|level| {
            let merge = level.merge.iter().map(|patch| patch.content.to_string());
            merge.chain(level.json.iter().map(|patch| patch.operations.to_string()))
        });
        texts.any(|text| text.contains(word))
    }

    /// Mounts where a node has one already.
    fn mounts(&self) -> Vec<SpecError> {
        let mut errors = Vec::new();
        for (node, spec) in self.nodes.iter().enumerate() {
            let targets: Vec<String> = spec.extra_mounts.iter().map(|mount| mounts::target(&mount.target)).collect();
            for (mount, target) in targets.iter().enumerate() {
                let twice = targets[..mount].contains(target).then_some("another mount of this node there");
                if let Some(problem) = mounts::refuses(target).map(|_| "a mount of the node's own").or(twice) {
                    errors.push(SpecError::Mount { node, mount, target: target.clone(), problem });
                }
            }
        }
        errors
    }
}

/// Pods, services and nodes have addresses of their own. The error is about the range that was chosen, where only one
/// was.
fn overlap(networking: &Networking) -> Option<SpecError> {
    let family = networking.ip_family;
    let (pods, services) = (&networking.pod_subnet, &networking.service_subnet);
    let nodes = AddressPlan::of(networking).networks();
    let is_chosen = pods != family.pod_subnet() || services == family.service_subnet();
    let first = if is_chosen {
        ("podSubnet", pods, "serviceSubnet", services)
    } else {
        ("serviceSubnet", services, "podSubnet", pods)
    };
    let pairs = [
        (first.0, first.1, first.2, first.3),
        ("podSubnet", pods, "the nodes' own", &nodes),
        ("serviceSubnet", services, "the nodes' own", &nodes),
    ];
    pairs.into_iter().find_map(|(field, one, name, other)| {
        Subnet::parse_all(one).into_iter().find_map(|value| {
            let met = Subnet::parse_all(other).into_iter().find(|other| value.meets(*other))?;
            Some(SpecError::Overlap { field, value: value.to_string(), other: format!("{name} {met}") })
        })
    })
}

#[cfg(test)]
mod tests {
    use kind_engine::{Mount, MountKind};
    use rstest::rstest;

    use super::*;
    use crate::spec::IpFamily;

    #[test]
    fn no_control_plane_and_a_bad_range_are_both_named() {
        let mut spec = ClusterSpec::default().control_planes(0);
        spec.networking.pod_subnet = "10.244.0.0".to_owned();
        let text: Vec<String> = spec.validate().unwrap_err().iter().map(ToString::to_string).collect();
        assert!(text[0].contains("at least one control plane"), "{text:?}");
        assert!(text[1].contains("podSubnet"), "{text:?}");
    }

    fn errors_of(spec: &ClusterSpec) -> String {
        let errors = spec.validate().err().unwrap_or_default();
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[rstest]
    #[case("10.96.0.0/12", "", "podSubnet 10.96.0.0/12 meets serviceSubnet 10.96.0.0/16: ")]
    #[case("", "10.244.128.0/20", "serviceSubnet 10.244.128.0/20 meets podSubnet 10.244.0.0/16: ")]
    #[case("10.0.0.0/16", "10.0.0.0/16", "podSubnet 10.0.0.0/16 meets serviceSubnet 10.0.0.0/16: ")]
    #[case("100.64.0.0/16", "", "podSubnet 100.64.0.0/16 meets the nodes' own 100.64.7.0/24: ")]
    #[case("", "100.64.7.128/25", "serviceSubnet 100.64.7.128/25 meets the nodes' own 100.64.7.0/24: ")]
    #[case("10.0.0.0/23", "", "podSubnet 10.0.0.0/23: 4 nodes get a /24 each, and do not find one in it")]
    #[case("10.0.0.0/25", "", "podSubnet 10.0.0.0/25: 4 nodes get a /24 each")]
    #[case("10.0.0.0/22", "10.0.4.0/28", "")]
    #[case("100.65.0.0/16", "100.64.8.0/24", "")]
    fn ranges_that_meet_are_named(#[case] pods: &str, #[case] services: &str, #[case] expected: &str) {
        let mut spec = ClusterSpec::default();
        let networking = &mut spec.networking;
        for (range, text) in [(&mut networking.pod_subnet, pods), (&mut networking.service_subnet, services)] {
            if !text.is_empty() {
                *range = text.to_owned();
            }
        }
        let text = errors_of(&spec);
        assert!(text.starts_with(expected) && text.is_empty() == expected.is_empty(), "{text}");
    }

    #[test]
    fn ranges_of_both_families_are_compared() {
        let mut spec = ClusterSpec { networking: Networking::of_family(IpFamily::Dual), ..ClusterSpec::default() };
        assert_eq!(errors_of(&spec), "");
        spec.networking.service_subnet = "10.96.0.0/16,fd00:10:244::/112".to_owned();
        assert!(errors_of(&spec).starts_with("serviceSubnet fd00:10:244::/112 meets podSubnet fd00:10:244::/56: "));
        spec.networking.service_subnet = "fd6b:696e:6400:7::/112,10.96.0.0/16".to_owned();
        assert!(errors_of(&spec).contains("meets the nodes' own fd6b:696e:6400:7::/64"), "{}", errors_of(&spec));
    }

    #[test]
    fn who_says_how_large_a_nodes_part_is_may_have_a_small_range() {
        let mut spec = ClusterSpec::default();
        spec.networking.pod_subnet = "10.0.0.0/25".to_owned();
        spec.kubeadm_patches.merge.push(crate::spec::MergePatch {
            api_version: None,
            kind: crate::spec::DocumentKind::ClusterConfiguration,
            content: serde_json::json!({"controllerManager": {"extraArgs": {"node-cidr-mask-size-ipv4": "27"}}}),
        });
        assert_eq!(errors_of(&spec), "");
    }

    #[test]
    fn mounts_of_a_specification_in_code_are_looked_at_too() {
        let mut spec = ClusterSpec::single_node();
        let mount = |target: &str| Mount { target: target.to_owned(), kind: MountKind::AnonymousVolume };
        spec.nodes[0].extra_mounts = vec![mount("/data"), mount("//data/"), mount("/x/../run"), mount("/var/x")];
        let expected = "mount \"/data\": found another mount of this node there\nmount \"/run\": found a mount of the \
                        node's own";
        assert_eq!(errors_of(&spec), expected);
    }
}
