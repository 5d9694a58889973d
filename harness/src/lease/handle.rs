//! What a test gets: its hold on a cluster, and how it gives it back.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{folder::Folder, lock::Seat, marks::Held};
use crate::{cluster::ClusterRecord, settings::Keep};

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
}

/// Who wants a cluster, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The test's name.
    pub test: String,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Passed,
    /// Not well: the cluster is worth a look.
    Failed,
}

/// A hold on a running cluster. While it is there the cluster is not removed, whatever else happens. It is a kernel
/// lock, so it ends with the process at the latest.
#[derive(Debug)]
pub struct Lease {
    pub(super) folder: Folder,
    pub(super) record: ClusterRecord,
    pub(super) keep: Keep,
    pub(super) held: Held,
    pub(super) seat: Seat,
}

impl Lease {
    /// The cluster.
    pub fn record(&self) -> &ClusterRecord {
        &self.record
    }

    /// The cluster's state folder. It goes with the cluster.
    pub fn state_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Gives the cluster back.
    #[expect(clippy::unused_async, reason = "giving back may have to wait for a check of the cluster")]
    pub async fn release(self, outcome: Outcome) {
        let keep = match self.keep {
            Keep::Never => false,
            Keep::OnFailure => outcome == Outcome::Failed,
            Keep::Always => true,
        };
        let noted = if keep { self.held.failed() } else { self.held.done() };
        let asked = self.folder.ask_for_check();
        if let Err(error) = noted.and(asked) {
            tracing::warn!("note the end of a test in {}: {error}", self.folder.path().display());
        }
        self.seat.leave();
    }
}
