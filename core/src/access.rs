//! How a test uses its cluster. Who gets which is decided by the leases.

use serde::{Deserialize, Serialize};

/// How a test uses a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Beside others, in a namespace of its own.
    #[default]
    Shared,
    /// Alone: for tests that disturb the cluster itself.
    Exclusive,
    /// Beside others, without changing anything.
    Read,
    /// In a cluster of its own, as new, which goes with the test.
    Fresh,
}

impl Access {
    /// Whether nobody else uses the cluster meanwhile.
    #[must_use]
    pub fn is_alone(self) -> bool {
        matches!(self, Self::Exclusive | Self::Fresh)
    }
}
