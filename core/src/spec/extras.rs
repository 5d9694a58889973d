//! What kind's configuration has no words for: taints, manifests to apply, and registries.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_yaml::Value;

/// A taint of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taint {
    /// Its key, such as `gpu` or `example.com/gpu`.
    pub key: String,
    /// Its value; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What it does to pods that do not tolerate it.
    pub effect: TaintEffect,
}

/// What a taint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaintEffect {
    /// New pods go elsewhere.
    NoSchedule,
    /// New pods go elsewhere where they can.
    PreferNoSchedule,
    /// Pods that run there are evicted, too.
    NoExecute,
}

impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, effect } = self;
        if value.is_empty() { write!(f, "{key}:{effect:?}") } else { write!(f, "{key}={value}:{effect:?}") }
    }
}

/// Objects to apply to a cluster as soon as its nodes have joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Where it came from, for people.
    pub path: String,
    /// YAML documents; `None` where the file is named and not read yet, see [`crate::config_file`].
    pub content: Option<String>,
}

/// A registry of the cluster's own, and mirrors of others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Registry {
    /// The port on the host's 127.0.0.1; `None` for a free one.
    pub port: Option<u16>,
    /// What nodes ask before they ask somebody else.
    pub mirrors: Vec<Mirror>,
}

/// A registry that fetches what it lacks from another one, once for all nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirror {
    /// The host in the names of images, such as `docker.io`.
    pub host: String,
    /// Where to fetch from, such as `https://registry-1.docker.io`.
    pub url: String,
}

impl Manifest {
    /// Checks that every document of it is an object of Kubernetes, as far as that shows without a cluster.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(content: &str) -> Result<(), String> {
        let mut objects = 0;
        for (index, document) in serde_yaml::Deserializer::from_str(content).enumerate() {
            let number = index + 1;
            let value =
                Value::deserialize(document).map_err(|error| format!("document {number} is no YAML: {error}"))?;
            if value.is_null() {
                continue;
            }
            for field in ["apiVersion", "kind"] {
                if !value.get(field).is_some_and(Value::is_string) {
                    return Err(format!("document {number} has no `{field}`: expected objects of Kubernetes"));
                }
            }
            objects += 1;
        }
        if objects == 0 { Err("there is no object in it".to_owned()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taints_are_written_as_kubectl_takes_them() {
        let taint = |value: &str| Taint { key: "gpu".into(), value: value.into(), effect: TaintEffect::NoSchedule };
        assert_eq!(
            (taint("").to_string(), taint("yes").to_string()),
            ("gpu:NoSchedule".into(), "gpu=yes:NoSchedule".into())
        );
    }

    #[test]
    fn manifests_are_objects() {
        let object = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n";
        assert_eq!(Manifest::check(&format!("---\n# nothing\n---\n{object}---\n{object}")), Ok(()));
        let text = Manifest::check(&format!("{object}---\nkind: Namespace\n")).unwrap_err();
        assert_eq!(text, "document 2 has no `apiVersion`: expected objects of Kubernetes");
        assert!(Manifest::check("a: [").unwrap_err().starts_with("document 1 is no YAML: "));
        assert_eq!(Manifest::check("# only a comment\n").unwrap_err(), "there is no object in it");
    }
}
