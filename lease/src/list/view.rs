//! The list as data. Its JSON form is an interface, described in `docs/command-line.md`: fields are only ever added.

use std::path::PathBuf;

use kind_core::{access::Access, inventory::Maker};
use serde::{Serialize, Serializer};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Every cluster, and what could not be found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Overview {
    /// Why the engine does not say anything; then only clusters of the state folder are listed, and without containers.
    pub engine_error: Option<String>,
    /// The clusters, sorted by name.
    pub clusters: Vec<ClusterView>,
}

/// A cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ClusterView {
    /// Its name.
    pub name: String,
    /// Who made it.
    pub maker: Maker,
    /// Its state.
    pub state: ClusterState,
    /// More of the state in words: the step of a creation, why one failed.
    pub detail: Option<String>,
    /// When it became so, in seconds since 1970; where that is not known, when its first container was made.
    #[serde(serialize_with = "time")]
    pub since: Option<u64>,
    /// Whether its keeper lives; `None` where clusters have none: those of the command line and of other tools, and
    /// those whose state is in another folder.
    pub keeper: Option<bool>,
    /// Who shares it: `nextest ID`, `cargo PID …`, `process PID …`, `user` for the runs of a user one after the other, or
    /// `test NAME (…)` for a fresh cluster.
    pub scope: Option<String>,
    /// The user who made it, as `uid@host`.
    pub user: Option<String>,
    /// The living tests that hold it, longest first.
    pub holders: Vec<HolderView>,
    /// The living tests that have waited for it for two seconds or more, longest first.
    pub waiting: Vec<HolderView>,
    /// The tests because of which it is kept.
    pub failed_tests: Vec<String>,
    /// When it goes.
    pub removal: Removal,
    /// Its containers, sorted by name.
    pub containers: Vec<ContainerView>,
    /// The bytes of memory that all its containers hold.
    pub memory: Option<u64>,
    /// Why that is not known.
    pub memory_unknown: Option<String>,
    /// Where its state and its keeper's log are, where that is this state folder.
    pub state_dir: Option<PathBuf>,
}

/// The state of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ClusterState {
    /// It is being brought up.
    Creating,
    /// It is up.
    Ready,
    /// It could not be brought up.
    Failed,
    /// It is being removed.
    Deleting,
    /// It was left for a look.
    Kept,
    /// There is no state of it here, and all its containers run.
    Running,
    /// There is no state of it here, and some of its containers run.
    PartlyRunning,
    /// It is frozen: tests' clusters while nobody uses them, until somebody does.
    Paused,
    /// There is no state of it here, and none of its containers runs.
    Stopped,
    /// Its state cannot be read.
    Unknown,
}

/// A test that holds a cluster, or waits for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HolderView {
    /// The test.
    pub test: String,
    /// How it uses the cluster.
    pub access: Access,
    /// Its process.
    pub pid: u32,
    /// When it got the cluster, or began to wait, in seconds since 1970.
    #[serde(serialize_with = "time_always")]
    pub since: u64,
}

/// When a cluster goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "when", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Removal {
    /// When somebody deletes it.
    Never,
    /// When its run is over and no test uses it any more.
    RunEnds,
    /// When nobody used it for some time: it is for the next run.
    Unused {
        /// For how long, in seconds.
        limit: u64,
        /// How long that still is, in seconds; `None` while a test uses it.
        in_seconds: Option<u64>,
    },
    /// It is kept for a look: the first run or `kind-rs` command after some time removes it.
    Kept {
        /// How long that still is, in seconds.
        in_seconds: u64,
    },
    /// It has no owner: the next run or `kind-rs` command removes it.
    NextSweep,
    /// It is being removed.
    Now,
    /// Another state folder has the answer.
    Elsewhere {
        /// That folder.
        state_dir: Option<PathBuf>,
    },
}

/// A container of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContainerView {
    /// Its name.
    pub name: String,
    /// `control-plane`, `worker` or `external-load-balancer`.
    pub role: Option<String>,
    /// The engine's word: `running`, `exited`, `paused`, …
    pub state: String,
    /// The bytes of memory that it holds, where it runs and the engine counts.
    pub memory: Option<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn time_always<S: Serializer>(seconds: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    time(&Some(*seconds), serializer)
}

/// As RFC 3339, such as `2026-11-24T23:50:04Z`.
#[expect(clippy::ref_option, reason = "serde's signature")]
fn time<S: Serializer>(seconds: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    let time = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok());
    time.and_then(|time| time.format(&Rfc3339).ok()).serialize(serializer)
}
