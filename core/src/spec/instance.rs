//! The identity of one creation of a cluster, apart from the cluster's name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A random number that no other creation has, as text. Everything that a creation makes carries it in a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instance(String);

impl Instance {
    /// One that nobody has.
    ///
    /// # Panics
    /// When the kernel has no random numbers.
    #[expect(clippy::new_without_default, reason = "each is another one, which a default does not suggest")]
    pub fn new() -> Self {
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).expect("the kernel has random numbers");
        Self(format!("{:016x}", u64::from_ne_bytes(random)))
    }

    /// One that a label names; an empty label names none.
    pub(crate) fn existing(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The instance as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_creations_are_the_same() {
        let (one, other) = (Instance::new(), Instance::new());
        assert_ne!(one, other);
        assert!(one.as_str().len() == 16 && one.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
    }
}
