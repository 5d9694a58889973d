//! Why a test got no cluster.

use std::{io, path::PathBuf, time::Duration};

use kind_engine::EngineError;

pub(super) use kind_core::causes::chain;
use kind_core::{
    settings::SettingsError,
    snapshot::SnapshotError,
    spec::{ClusterName, SpecError},
};

/// A test got no cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// The engine does not answer or refuses.
    #[error("get a cluster for the test")]
    Engine(#[source] EngineError),
    /// The engine was there when the keeper was started and is not any more.
    #[error("get a cluster for the test: the engine went away: {reason}")]
    NoEngine {
        /// The engine's error.
        reason: String,
    },
    /// The specification is not valid.
    #[error("get a cluster for the test: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Spec(Vec<SpecError>),
    /// There is no place for the states of clusters.
    #[error(transparent)]
    Settings(SettingsError),
    /// A file of the state folder.
    #[error("{action} {}: check that the folder is on a local disk, writable and not full, or set KIND_TEST_STATE_DIR", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The cluster of somebody else, which the caller names, cannot be used.
    #[error(transparent)]
    Existing(Box<dyn std::error::Error + Send + Sync>),
    /// The cluster could not be brought up.
    #[error("bring up cluster {cluster} ({}): {error}", times(*failures))]
    Creation {
        /// The cluster.
        cluster: ClusterName,
        /// What went wrong, with all its causes.
        error: String,
        /// How many times it was tried in this run.
        failures: u32,
    },
    /// A fresh cluster is to have what a snapshot does not hold.
    #[error(
        "get a fresh cluster: its shape has a registry, whose content a snapshot does not hold; leave the registry out, or use `access = \"exclusive\"`"
    )]
    FreshRegistry,
    /// What fresh clusters are to have in them could not be done.
    #[error("prepare cluster {cluster} with `{name}`: {error}")]
    Prepare {
        /// The preparation.
        name: String,
        /// The cluster.
        cluster: ClusterName,
        /// What went wrong.
        error: String,
    },
    /// No snapshot could be made of the cluster that fresh ones are to be clones of.
    #[error("make the template of fresh clusters of cluster {cluster}")]
    Template {
        /// The cluster.
        cluster: ClusterName,
        /// Why it failed.
        #[source]
        source: Box<SnapshotError>,
    },
    /// The template that fresh clusters are to be clones of could not be made earlier in this run.
    #[error("get a fresh cluster: its template could not be made earlier in this run: {error}")]
    TemplateFailed {
        /// What went wrong then, with all its causes.
        error: String,
    },
    /// The process that brings the cluster up and removes it does not start, or dies again and again.
    #[error("start the keeper of cluster {cluster}: it ended {starts} times before the cluster was up; its log, {}, ends in{}", log.display(), tail)]
    Keeper {
        /// The cluster.
        cluster: ClusterName,
        /// How often it was started.
        starts: u32,
        /// What it printed.
        log: PathBuf,
        /// The last lines of that.
        tail: String,
    },
    /// Others have the cluster for too long.
    #[error("wait for cluster {cluster}: not to be had within {} s, the limit that KIND_TEST_WAIT sets; last seen: {last}", limit.as_secs())]
    Busy {
        /// The cluster.
        cluster: ClusterName,
        /// The limit.
        limit: Duration,
        /// What was last seen.
        last: String,
    },
    /// Nothing happens any more.
    #[error("wait for cluster {cluster}: nothing changed for {} s; last seen: {last}; the keeper's log is {}", elapsed.as_secs(), log.display())]
    Stuck {
        /// The cluster.
        cluster: ClusterName,
        /// For how long nothing changed.
        elapsed: Duration,
        /// What was last seen.
        last: String,
        /// What the keeper printed.
        log: PathBuf,
    },
}

fn times(failures: u32) -> String {
    if failures == 1 { "tried once".to_owned() } else { format!("tried {failures} times") }
}

impl LeaseError {
    /// The reason where there is no engine at all, so that a test can be skipped: none was named, and none listens where
    /// one usually does. One that is named and does not answer, that refuses, that this user may not use, or that went away
    /// is no such reason: that wants mending.
    pub fn is_no_engine(&self) -> Option<String> {
        match self {
            Self::Engine(error) => no_engine(error),
            _ => None,
        }
    }
}

/// The reason where nothing names an engine and none listens.
pub(super) fn no_engine(error: &EngineError) -> Option<String> {
    matches!(error, EngineError::Absent { .. }).then(|| chain(error))
}

/// The last lines of a log, indented.
pub(super) fn tail(path: &std::path::Path) -> String {
    const LINES: usize = 12;
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let skipped = lines.len().saturating_sub(LINES);
    lines[skipped..].iter().fold(String::new(), |text, line| text + "\n    " + line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_engine_is_a_reason_to_skip() {
        let missing = EngineError::Absent { looked: vec!["/x".into()], source: "refused".into() };
        let reason = LeaseError::Engine(missing).is_no_engine().unwrap();
        assert!(reason.contains("at /x;") && reason.ends_with(": refused"), "{reason}");
        let (address, found_by) = ("unix:///x".to_owned(), "from DOCKER_HOST".to_owned());
        let named = EngineError::Unreachable { address: address.clone(), found_by, source: "refused".into() };
        for error in [named, EngineError::Forbidden { address }] {
            assert_eq!(LeaseError::Engine(error).is_no_engine(), None);
        }
    }
}
