//! `kind-rs snapshot`: its arguments.

use clap::{Args, Subcommand};
use kind_core::spec::ClusterName;

use super::{Form, Name};

#[derive(Debug, Subcommand)]
pub(crate) enum Snapshot {
    /// Keep a running cluster as images of the engine; its nodes are frozen for some seconds and go on
    Create(SnapshotCreate),
    /// Show every snapshot on the engine
    List(SnapshotList),
    /// Delete a snapshot; clusters that were made from it must be deleted first
    Delete(SnapshotDelete),
}

#[derive(Debug, Args)]
#[command(after_help = "\
`kind-rs create cluster --from-snapshot` makes clusters of it: with all workloads, volumes and images, nodes and addresses of the
same names, and a kubeconfig that opens no other cluster. The images hold the cluster's private keys.")]
pub(crate) struct SnapshotCreate {
    /// The snapshot's name
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshot: ClusterName,
    #[command(flatten)]
    pub(crate) name: Name,
}

#[derive(Debug, Args)]
pub(crate) struct SnapshotList {
    /// A table for people, or JSON for programs
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    pub(crate) output: Form,
}

#[derive(Debug, Args)]
pub(crate) struct SnapshotDelete {
    /// The snapshot's name
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshot: ClusterName,
}
