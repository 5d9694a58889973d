//! From a failed test to its summary and its bundle.

use std::{path::Path, time::Duration};

use kube::Client;
use tokio::time::Instant;

use crate::{cluster::ClusterRecord, settings::Keep};

use super::{bundle, collect::Snapshot, summary::summary};

/// How long all looking may take.
const LIMIT: Duration = Duration::from_secs(20);

/// What is known of a failed test before anybody looks.
pub(crate) struct Failed<'a> {
    /// Its full name.
    pub(crate) test: &'a str,
    /// Why it failed.
    pub(crate) reason: &'a str,
    /// Its phases and how long each took.
    pub(crate) timeline: &'a str,
    /// Its namespace, where it has one.
    pub(crate) namespace: Option<&'a str>,
    /// Its cluster.
    pub(crate) cluster: &'a ClusterRecord,
    /// Whether the cluster stays.
    pub(crate) keep: Keep,
    /// Where the bundle goes.
    pub(crate) folder: &'a Path,
}

/// Looks at the namespace, writes the bundle and returns the lines to print.
pub(crate) async fn failure(client: &Client, failed: &Failed<'_>) -> String {
    let snapshot = Snapshot::take(client, failed.namespace, Instant::now() + LIMIT).await;
    let written = bundle::write(failed, &snapshot);
    summary(failed, &snapshot, written.as_ref().err().map(|error| error as &dyn std::fmt::Display))
}
