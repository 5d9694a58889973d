//! What a keeper records of its cluster: in the cluster's state folder, where every run finds it that uses the cluster, and
//! in the folder of the run that the cluster was made for, where it stays when the state folder goes.

use std::path::Path;

use kind_core::cluster::ClusterRecord;

use super::{
    facts,
    place::Place,
    stream::{Stream, now},
};
use crate::page::ClusterEvent;

/// The file in a cluster's state folder.
pub(super) const FILE: &str = "events.jsonl";

/// The open files of one cluster.
#[derive(Debug, Default)]
pub struct Chronicle(Vec<Stream>);

impl Chronicle {
    /// Opens what can be opened: without records there is a cluster all the same. `run` is the folder of the run whose
    /// cluster it is; a run without a report has none.
    pub fn open(state: &Path, run: Option<&Path>, cluster: &str) -> Self {
        let in_run = run.map(|run| Place::at(run).cluster(cluster));
        let paths = [Some(state.join(FILE)), in_run];
        Self(paths.into_iter().flatten().filter_map(|path| Stream::open(&path).ok()).collect())
    }

    /// The cluster can be used.
    pub fn ready(&self, record: &ClusterRecord) {
        self.note(&ClusterEvent::Ready(facts::cluster(record)));
    }

    /// Notes an event. A full disk must not end a keeper, so what fails here is not told.
    pub fn note(&self, event: &ClusterEvent) {
        // One time for all, so that the copies are the same.
        let at = now();
        for stream in &self.0 {
            let _ = stream.note_at(event, at);
        }
    }
}
