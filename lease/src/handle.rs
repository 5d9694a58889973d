//! What a test gets: its hold on a cluster, and how it gives it back.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

use kind_core::{
    access::Access,
    cluster::ClusterRecord,
    settings::Keep,
    wait::{self, Check},
    warnings::warn,
};

use super::{
    folder::Folder,
    lock::{LockFile, Seat},
    marks::{Held, LastWord},
    starter::Starter,
    state::{Found, State},
    step::step,
};

/// How long a test that ends waits for the keeper that it started in place of a dead one.
const SUCCESSION: Duration = Duration::from_secs(5);

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
pub struct Lease {
    pub(super) folder: Folder,
    pub(super) record: ClusterRecord,
    pub(super) access: Access,
    pub(super) keep: Keep,
    pub(super) held: Held,
    pub(super) seat: Seat,
    /// Given back with the lease.
    pub(super) _in_use: LockFile,
    pub(super) starter: Rc<dyn Starter>,
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

    /// Where it is noted which images every node has; `None` for who may do anything to the nodes.
    pub fn image_notes(&self) -> Option<PathBuf> {
        (!self.access.is_alone()).then(|| self.folder.images())
    }

    /// Notes the namespace that the test is about to make: the keeper deletes it if the test is killed, unless everything is
    /// kept.
    pub fn uses(&self, namespace: &str) {
        if self.keep == Keep::Always {
            return;
        }
        if let Err(error) = self.held.uses(namespace) {
            warn(format_args!("note the namespace {namespace} in {}: {error}", self.folder.path().display()));
        }
    }

    /// What a process does last that ends in the middle of the test; nothing where nothing is kept.
    pub fn last_word(&self) -> Option<LastWord> {
        (self.keep != Keep::Never).then(|| LastWord(self.held.clone()))
    }

    /// Gives the cluster back. Where its keeper was killed meanwhile, this starts another first: no other test may come
    /// that would.
    pub async fn release(self, outcome: Outcome) {
        let keep = match self.keep {
            Keep::Never => false,
            Keep::OnFailure => outcome == Outcome::Failed,
            Keep::Always => true,
        };
        if let Err(error) = self.ensure_keeper().await {
            warn(format_args!("start a keeper in {} in place of one that died: {error}", self.folder.path().display()));
        }
        let is_last = self.access == Access::Fresh;
        // It may have failed because it broke the cluster, or because the cluster is broken.
        let doubts = outcome == Outcome::Failed && self.seat.is_current() && !is_last;
        let doubted = if doubts { self.folder.doubt() } else { Ok(()) };
        let noted = if keep { self.held.failed() } else { self.held.done() };
        let asked = self.folder.ask_for_check();
        if let Err(error) = doubted.and(noted).and(asked) {
            warn(format_args!("note the end of a test in {}: {error}", self.folder.path().display()));
        }
        if is_last {
            self.seat.leave_for_good();
        } else {
            self.seat.leave();
        }
        step("gave the lease back");
    }

    async fn ensure_keeper(&self) -> io::Result<()> {
        // Of a folder that somebody removed by hand the keeper takes care, if it lives; a new one would find nothing.
        if !self.seat.is_current() || self.folder.has_keeper()? || !self.has_cluster()? {
            return Ok(());
        }
        // Held until the keeper is at work, so that a crowd of tests that end starts one.
        let starting = self.folder.starting()?;
        if !starting.try_exclusive()? {
            return Ok(());
        }
        step("is about to replace the keeper");
        let keeper = self.starter.start(&self.folder)?;
        step("replaced the keeper");
        let at_work = wait::until_every(Duration::from_millis(5), "the keeper", SUCCESSION, async || {
            let ended = keeper.ended().is_some();
            if ended || self.folder.has_keeper().unwrap_or(true) {
                Check::Done(())
            } else {
                Check::not_yet("it starts")
            }
        });
        at_work.await.map_err(io::Error::other)
    }

    /// Whether there is anything to be kept.
    fn has_cluster(&self) -> io::Result<bool> {
        let Found::This(report) = self.folder.report()? else { return Ok(true) };
        Ok(!matches!(report.state, State::Failed { .. } | State::Kept { .. }))
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("folder", &self.folder).field("record", &self.record).finish_non_exhaustive()
    }
}
