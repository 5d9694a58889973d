//! Which cluster a test gets: the digest of everything that tells clusters apart.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{scope::Scope, shape::Shape};
use crate::spec::ClusterName;

/// How many hexadecimal digits a key has.
const DIGITS: usize = 10;

/// What two tests must have in common to share a cluster, as one short text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Key(String);

impl Key {
    /// What precedes the key in its cluster's name.
    pub(super) const PREFIX: &str = "kt-";

    /// The key of a shape on an image for a scope, in the state folder with this identity.
    pub(crate) fn of(shape: &Shape, image: &str, scope: &Scope, home: &str) -> Self {
        let shape = serde_json::to_string(shape).expect("a shape is plain data with text keys");
        let mut digest = Sha256::new();
        for part in [env!("CARGO_PKG_VERSION"), &shape, image, &scope.name, home] {
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
    use crate::ClusterSpec;

    fn key(spec: &ClusterSpec, image: &str, scope: &str, home: &str) -> Key {
        Key::of(&Shape::of(spec), image, &Scope { name: scope.to_owned(), owner: None }, home)
    }

    #[test]
    fn each_part_tells_clusters_apart_and_the_name_does_not() {
        let spec = ClusterSpec::default();
        let first = key(&spec, "image", "run 1", "home");
        assert_eq!(first, key(&ClusterSpec { name: Some("x".to_owned()), ..spec.clone() }, "image", "run 1", "home"));
        assert_ne!(first, key(&spec.clone().workers(2), "image", "run 1", "home"));
        assert_ne!(first, key(&spec, "image2", "run 1", "home"));
        assert_ne!(first, key(&spec, "image", "run 2", "home"));
        assert_ne!(first, key(&spec, "image", "run 1", "home2"));
        assert_ne!(key(&spec, "ab", "c", ""), key(&spec, "a", "bc", ""));
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
