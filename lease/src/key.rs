//! Which cluster a test gets: the digest of everything that tells clusters apart.

use std::fmt;

use kind_core::{
    scope::Scope,
    spec::{ClusterName, Proxy, Shape},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How many hexadecimal digits a key has.
const DIGITS: usize = 10;

/// What two tests must have in common to share a cluster, as one short text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Key(String);

impl Key {
    /// What precedes the key in its cluster's name.
    pub(super) const PREFIX: &str = "kt-";

    /// The key of a shape on these images (of the nodes, and of the load balancer where one was asked for), made on this
    /// engine behind these proxies, for a scope, in the state folder with this identity.
    pub(crate) fn of(
        shape: &Shape,
        images: (&str, Option<&str>),
        engine: &str,
        proxy: &Proxy,
        scope: &Scope,
        home: &str,
    ) -> Self {
        let (image, balancer) = (images.0, images.1.unwrap_or_default());
        let shape = serde_json::to_string(shape).expect("a shape is plain data with text keys");
        // Exceptions from nothing change nothing.
        let proxy = Some(proxy).filter(|proxy| !proxy.is_none());
        let proxy = serde_json::to_string(&proxy).expect("proxies are texts");
        let mut digest = Sha256::new();
        for part in [env!("CARGO_PKG_VERSION"), &shape, image, balancer, engine, &proxy, &scope.name, home] {
            // The length keeps two parts from trading characters.
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        let mut text = format!("{:x}", digest.finalize());
        text.truncate(DIGITS);
        Self(text)
    }

    /// Reads a key back from a folder's name or a label.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == DIGITS && text.bytes().all(hexadecimal)).then(|| Self(text.to_owned()))
    }

    /// The name of its cluster.
    pub(crate) fn cluster(&self) -> ClusterName {
        ClusterName::new(format!("{}{}", Self::PREFIX, self.0))
            .expect("a prefix and hexadecimal digits make a valid name")
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kind_core::spec::ClusterSpec;

    fn key(spec: &ClusterSpec, image: &str, scope: &str, home: &str) -> Key {
        let scope = Scope { name: scope.to_owned(), owner: None };
        Key::of(&Shape::of(spec), (image, None), "unix:///x", &Proxy::default(), &scope, home)
    }

    #[test]
    fn what_nodes_are_told_and_where_they_are_tells_clusters_apart() {
        let key = |engine, http: Option<&str>, exceptions: Option<&str>| {
            let [http, exceptions] = [http, exceptions].map(|value| value.map(str::to_owned));
            let (shape, scope) = (Shape::of(&ClusterSpec::default()), Scope { name: "user".to_owned(), owner: None });
            Key::of(&shape, ("image", None), engine, &Proxy { http, https: None, exceptions }, &scope, "home")
        };
        let plain = key("unix:///x", None, None);
        assert_eq!(plain, key("unix:///x", None, Some("localhost")));
        assert_ne!(plain, key("tcp://x", None, None));
        let behind = key("unix:///x", Some("http://proxy"), None);
        assert_ne!(plain, behind);
        assert_ne!(behind, key("unix:///x", Some("http://other"), None));
        assert_ne!(behind, key("unix:///x", Some("http://proxy"), Some("localhost")));
    }

    #[test]
    fn each_part_tells_clusters_apart_and_the_name_does_not() {
        let spec = ClusterSpec::default();
        let first = key(&spec, "image", "run 1", "home");
        let mut named = spec.clone();
        named.name = Some("x".to_owned());
        assert_eq!(first, key(&named, "image", "run 1", "home"));
        assert_ne!(first, key(&spec.clone().workers(2), "image", "run 1", "home"));
        assert_ne!(first, key(&spec, "image2", "run 1", "home"));
        assert_ne!(first, key(&spec, "image", "run 2", "home"));
        assert_ne!(first, key(&spec, "image", "run 1", "home2"));
        assert_ne!(key(&spec, "ab", "c", ""), key(&spec, "a", "bc", ""));
        let balanced = |balancer| {
            let scope = Scope { name: "run 1".to_owned(), owner: None };
            Key::of(&Shape::of(&spec), ("image", balancer), "unix:///x", &Proxy::default(), &scope, "home")
        };
        assert_eq!(first, balanced(None));
        assert_ne!(first, balanced(Some("nginx")));
    }

    #[test]
    fn a_key_is_read_back_and_nothing_else_is() {
        let first = key(&ClusterSpec::default(), "image", "run", "home");
        assert_eq!(Key::parse(first.as_str()), Some(first));
        for text in ["", "0123456789a", "012345678", "ABCDEF0123", "../../etc/", "01234 6789"] {
            assert_eq!(Key::parse(text), None, "{text:?}");
        }
    }
}
