//! Tests of the harness on a real cluster, written as its users write theirs. Without an engine they are skipped.

mod attributes;
mod busybox;
mod failing;
mod foreign;
mod foreign_image;
mod injection;
mod load_balancers;
mod objects;
mod pods;
mod policies;
mod programs;
mod report;
mod restart;
mod snapshot;
mod tools;
mod webhooks;

use kind_harness::ClusterSpec;

/// The smallest cluster: these tests are about the harness, not about high availability.
fn small() -> ClusterSpec {
    ClusterSpec::single_node()
}
