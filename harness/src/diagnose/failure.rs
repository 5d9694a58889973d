//! From a failed test to its summary and its bundle.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use kind_core::{activity::Doing, cluster::Cluster, settings::Keep};
use kube::Client;
use tokio::time::Instant;

use super::{
    bundle,
    collect::{Scene, Snapshot},
    summary::summary,
};

/// How long all looking may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// What is known of a failed test before anybody looks.
pub(crate) struct Failed<'a> {
    /// Its full name.
    pub(crate) test: &'a str,
    /// Why it failed.
    pub(crate) reason: &'a str,
    /// Its phases and how long each took.
    pub(crate) timeline: &'a str,
    /// When it began.
    pub(crate) since: SystemTime,
    /// What it was doing when it ran out of time or was ended; nothing where it failed by itself.
    pub(crate) doing: &'a Doing,
    /// Its namespace, where it has one.
    pub(crate) namespace: Option<&'a str>,
    /// Its cluster.
    pub(crate) cluster: &'a Cluster,
    /// Whether namespace and cluster stay.
    pub(crate) keep: Keep,
    /// How a person looks into the cluster.
    pub(crate) look: Look,
    /// Where the bundle goes.
    pub(crate) folder: &'a Path,
}

/// How a person looks into the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Look {
    /// With the `kubectl` that is in the nodes.
    InNode,
    /// With this command, which the person has: the cluster is somebody else's and stays whatever happens.
    With(String),
}

/// Looks at the namespace for at most that long, writes the bundle and returns the lines to print.
pub(crate) async fn failure(client: &Client, failed: &Failed<'_>, limit: Duration) -> String {
    let scene = Scene { client, cluster: failed.cluster, namespace: failed.namespace, since: failed.since };
    told(failed, &Snapshot::take(&scene, Instant::now() + limit).await)
}

/// As [`failure`], where nobody could look for this reason.
pub(crate) fn unseen(failed: &Failed<'_>, why: &str) -> String {
    let missing = vec![format!("pods, events, logs, objects and nodes: {why}")];
    told(failed, &Snapshot { missing, ..Snapshot::default() })
}

fn told(failed: &Failed<'_>, snapshot: &Snapshot) -> String {
    let known = bundle::known(snapshot);
    let written = bundle::write(failed, snapshot, &known);
    let problem = written.as_ref().err().map(|error| error as &dyn std::fmt::Display);
    known.left_out_of(&summary(failed, snapshot, problem))
}
