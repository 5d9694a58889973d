//! Names of clusters and nodes: the only place where they are made.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ClusterSpec, Role};

/// The longest name of a node: it is the value of the label `kubernetes.io/hostname`, and values have at most 63
/// characters. Host names of Linux may have 64, labels of DNS 63.
const LONGEST_NODE: usize = 63;
/// What follows the cluster's name in the name of a node that every cluster has, and of one that is there before
/// several control planes.
const CONTROL_PLANE: &str = "-control-plane";
const LOAD_BALANCER: &str = "-external-load-balancer";
const WORKER: &str = "-worker";
const REGISTRY: &str = "-registry";
const MIRROR: &str = "-mirror";
/// What follows the cluster's name in every container's name, but for a number.
const PARTS: [&str; 5] = [CONTROL_PLANE, WORKER, LOAD_BALANCER, REGISTRY, MIRROR];
/// The longest cluster name.
const LONGEST: usize = LONGEST_NODE - CONTROL_PLANE.len();
/// The longest name of a cluster with a load balancer.
const LONGEST_BALANCED: usize = LONGEST_NODE - LOAD_BALANCER.len();

/// A cluster's name: 1 to 49 of `a-z`, `0-9`, `-` and `.`, each part between dots beginning and ending with a letter or
/// digit, since it is part of host names. One with several control planes has at most 40, see [`ClusterName::fits`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterName(String);

/// A name that no cluster can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cluster name {name:?}: expected 1 to {LONGEST} of a-z, 0-9, '-' and '.', each part between dots beginning and ending with a letter or digit"
)]
pub struct NameError {
    /// What was given.
    pub name: String,
}

/// A name that is too long for a cluster of some shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cluster name {:?} has {} characters: expected at most {LONGEST_BALANCED} before several control planes, whose load balancer is named NAME{LOAD_BALANCER} and may have {LONGEST_NODE}",
    name.as_str(), name.as_str().len()
)]
pub struct NameTooLong {
    /// The name.
    pub name: ClusterName,
}

impl ClusterName {
    /// Checks a name.
    ///
    /// # Errors
    /// When it has other characters, is empty or too long.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        if name.len() <= LONGEST && is_dns_name(&name) { Ok(Self(name)) } else { Err(NameError { name }) }
    }

    /// Checks that the nodes of a cluster of that shape can be named after it.
    ///
    /// # Errors
    /// When the load balancer's name would be too long.
    pub fn fits(&self, spec: &ClusterSpec) -> Result<(), NameTooLong> {
        if spec.is_highly_available() && self.0.len() > LONGEST_BALANCED {
            return Err(NameTooLong { name: self.clone() });
        }
        Ok(())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the `index`th node of a role, counted from 0; as kind's.
    pub fn node(&self, role: Role, index: usize) -> NodeName {
        NodeName(format!("{}-{role}{}", self.0, number(index)))
    }

    /// The name of the load balancer's container; as kind's.
    pub fn load_balancer(&self) -> NodeName {
        NodeName(format!("{}{LOAD_BALANCER}", self.0))
    }

    /// The name of its registry's container.
    pub fn registry(&self) -> NodeName {
        NodeName(format!("{}{REGISTRY}", self.0))
    }

    /// The name of the `index`th mirror's container, counted from 0.
    pub fn mirror(&self, index: usize) -> NodeName {
        NodeName(format!("{}{MIRROR}{}", self.0, number(index)))
    }

    /// The name of the cluster's network. Every cluster has one of its own.
    pub fn network(&self) -> String {
        format!("kind-rs-{}", self.0)
    }

    /// The name of the kubeconfig's cluster, user and context; as kind's.
    pub fn context(&self) -> String {
        format!("kind-{}", self.0)
    }
}

/// Whether a container of that name can be one of that cluster's: a node, its load balancer, registry or mirror.
pub(crate) fn is_name_in(cluster: &str, container: &str) -> bool {
    let rest = container.strip_prefix(cluster);
    rest.is_some_and(|rest| PARTS.contains(&rest.trim_end_matches(|last: char| last.is_ascii_digit())))
}

/// Whether every part between dots is a label of DNS (RFC 1123), in small letters; one part is enough.
pub(super) fn is_dns_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_edge = |byte: Option<&u8>| byte.is_some_and(|byte| *byte != b'-');
        let bytes = label.as_bytes();
        bytes.len() <= 63
            && is_edge(bytes.first())
            && is_edge(bytes.last())
            && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// What tells several of a kind apart: nothing for the first, then 2; as kind counts.
fn number(index: usize) -> String {
    if index == 0 { String::new() } else { (index + 1).to_string() }
}

impl TryFrom<String> for ClusterName {
    type Error = NameError;

    fn try_from(name: String) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl std::str::FromStr for ClusterName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl From<ClusterName> for String {
    fn from(name: ClusterName) -> Self {
        name.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A node's name: its host name and its Kubernetes name, and its container's name but for the nodes of a clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeName(String);

impl NodeName {
    /// The name of a node that is there.
    pub fn existing(name: String) -> Self {
        Self(name)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a")]
    #[case("kind")]
    #[case("0-a.b9")]
    #[case("1.2")]
    #[case("a--b.c")]
    fn accepts(#[case] name: &str) {
        assert_eq!(ClusterName::new(name).unwrap().as_str(), name);
    }

    #[rstest]
    #[case("")]
    #[case("-a")]
    #[case("a.")]
    #[case(".a")]
    #[case("a..b")]
    #[case("a.-b")]
    #[case("a-.b")]
    #[case("Kind")]
    #[case("a b")]
    #[case("a;rm")]
    #[case("ä")]
    #[case("a\n")]
    #[case("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    fn refuses_and_says_what_is_allowed(#[case] name: &str) {
        let text = ClusterName::new(name).unwrap_err().to_string();
        assert!(text.contains("expected 1 to 49"), "{text}");
    }

    #[test]
    fn nodes_are_named_as_kinds() {
        let name = ClusterName::new("kind").unwrap();
        assert_eq!(name.node(Role::ControlPlane, 0).as_str(), "kind-control-plane");
        assert_eq!(name.node(Role::ControlPlane, 2).as_str(), "kind-control-plane3");
        assert_eq!(name.node(Role::Worker, 1).as_str(), "kind-worker2");
        assert_eq!(name.load_balancer().as_str(), "kind-external-load-balancer");
    }

    #[test]
    fn containers_are_told_by_their_names() {
        let name = ClusterName::new("kind").unwrap();
        let nodes = [name.node(Role::ControlPlane, 0), name.node(Role::Worker, 11), name.load_balancer()];
        for container in nodes.into_iter().chain([name.registry(), name.mirror(0), name.mirror(3)]) {
            assert!(is_name_in("kind", container.as_str()), "{container}");
        }
        for container in ["kind", "kind-2", "kind-debug", "my-kind-worker", "kind-worker-copy", "kind2-worker", "12"] {
            assert!(!is_name_in("kind", container), "{container}");
        }
    }

    #[rstest]
    #[case(ClusterSpec::single_node().workers(200), 49)]
    #[case(ClusterSpec::default(), 40)]
    fn the_longest_name_makes_node_names_of_63_characters(#[case] spec: ClusterSpec, #[case] longest: usize) {
        let named = |length: usize| ClusterName::new("a".repeat(length)).map(|name| name.fits(&spec).map(|()| name));
        let name = named(longest).unwrap().unwrap();
        let balancer = spec.is_highly_available().then(|| name.load_balancer());
        let nodes = spec.of_role(Role::Worker).enumerate().map(|(index, _)| name.node(Role::Worker, index));
        let nodes = nodes.chain([name.node(Role::ControlPlane, 0)]).chain(balancer);
        assert_eq!(nodes.map(|node| node.as_str().len()).max(), Some(63));
        assert!(!matches!(named(longest + 1), Ok(Ok(_))));
    }

    #[test]
    fn a_name_that_is_too_long_for_the_shape_is_explained() {
        let text = ClusterName::new("a".repeat(41)).unwrap().fits(&ClusterSpec::default()).unwrap_err().to_string();
        assert!(text.contains("has 41 characters: expected at most 40 before several control planes"), "{text}");
    }
}
