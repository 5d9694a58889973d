//! Names of clusters and nodes: the only place where they are made.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Role;

/// The longest cluster name: with the longest suffix a node's name still fits Linux' 64 byte limit for host names.
const LONGEST: usize = 38;

/// A cluster's name: 1 to 38 of `a-z`, `0-9`, `-` and `.`, beginning and ending with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterName(String);

/// A name that no cluster can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cluster name {name:?}: expected 1 to {LONGEST} of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit"
)]
pub struct NameError {
    /// What was given.
    pub name: String,
}

impl ClusterName {
    /// Checks a name.
    ///
    /// # Errors
    /// When it has other characters, is empty or too long.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
        let bytes = name.as_bytes();
        if bytes.len() <= LONGEST && edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(|b| allowed(*b)) {
            Ok(Self(name))
        } else {
            Err(NameError { name })
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the `index`th node of a role, counted from 0; as kind's.
    pub fn node(&self, role: Role, index: usize) -> NodeName {
        let number = if index == 0 { String::new() } else { (index + 1).to_string() };
        NodeName(format!("{}-{role}{number}", self.0))
    }

    /// The name of the load balancer's container; as kind's.
    pub fn load_balancer(&self) -> NodeName {
        NodeName(format!("{}-external-load-balancer", self.0))
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

/// A node's name, which is also its container's name, its host name and its Kubernetes name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeName(String);

impl NodeName {
    /// The name of a node that is there.
    pub(crate) fn existing(name: String) -> Self {
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
    fn accepts(#[case] name: &str) {
        assert_eq!(ClusterName::new(name).unwrap().as_str(), name);
    }

    #[rstest]
    #[case("")]
    #[case("-a")]
    #[case("a.")]
    #[case("Kind")]
    #[case("a b")]
    #[case("a;rm")]
    #[case("ä")]
    #[case("a\n")]
    #[case("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    fn refuses_and_says_what_is_allowed(#[case] name: &str) {
        let text = ClusterName::new(name).unwrap_err().to_string();
        assert!(text.contains("expected 1 to 38"), "{text}");
    }

    #[test]
    fn nodes_are_named_as_kinds() {
        let name = ClusterName::new("kind").unwrap();
        assert_eq!(name.node(Role::ControlPlane, 0).as_str(), "kind-control-plane");
        assert_eq!(name.node(Role::ControlPlane, 2).as_str(), "kind-control-plane3");
        assert_eq!(name.node(Role::Worker, 1).as_str(), "kind-worker2");
        assert_eq!(name.load_balancer().as_str(), "kind-external-load-balancer");
    }
}
