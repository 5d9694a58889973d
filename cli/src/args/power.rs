//! `kind-rs start`, `stop`, `restart`, `pause` and `unpause`: their arguments.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::NameOrWord;
use crate::duration;

#[derive(Debug, Subcommand)]
pub(crate) enum Start {
    /// Start a cluster that was stopped, and wait until its API answers and its nodes are Ready
    Cluster(StartCluster),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Stop {
    /// Stop a cluster's containers; its data stays, and `start cluster` brings it back
    Cluster(StopCluster),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Restart {
    /// Stop a cluster's containers and start them again
    Cluster(StartCluster),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Pause {
    /// Freeze a cluster's processes: they keep their memory and take no processor
    Cluster(StopCluster),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Unpause {
    /// Let a frozen cluster go on, and wait until its API answers and its nodes are Ready
    Cluster(StartCluster),
}

#[derive(Debug, Args)]
pub(crate) struct StartCluster {
    #[command(flatten)]
    pub(crate) name: NameOrWord,
    /// How long to wait for the API and the nodes, such as `90s`; `0s` returns as soon as the containers run; running out
    /// is an error
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration::parse)]
    pub(crate) wait: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct StopCluster {
    #[command(flatten)]
    pub(crate) name: NameOrWord,
}
