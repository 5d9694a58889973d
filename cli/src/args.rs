//! The command line: every command, flag and its help, named as kind names them. No behaviour.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use kind_harness::ClusterName;

use crate::{duration, exit};

/// Creates and manages Kubernetes clusters whose nodes are containers.
#[derive(Debug, Parser)]
#[command(name = "kind-rs", version, after_help = exit::HELP, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// Print results and errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// How much to tell: 1 adds what each step waits for, 2 the log, 3 all of it
    #[arg(short, long, global = true, value_name = "LEVEL", default_value_t = 0)]
    pub(crate) verbosity: u8,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a cluster
    #[command(subcommand)]
    Create(Create),
    /// Delete clusters
    #[command(subcommand)]
    Delete(Delete),
    /// Print clusters, nodes or a kubeconfig
    #[command(subcommand)]
    Get(Get),
    /// Build the node image
    #[command(subcommand)]
    Build(Build),
    /// Print the version
    Version,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Create {
    /// Create a cluster: one control plane, or what a configuration file describes
    Cluster(CreateCluster),
}

#[derive(Debug, Args)]
pub(crate) struct CreateCluster {
    /// The cluster's name; else `KIND_CLUSTER_NAME`, else the configuration's, else `kind`
    #[arg(short, long)]
    pub(crate) name: Option<ClusterName>,
    /// A configuration file (kind.x-k8s.io/v1alpha4); `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The node image of every node, whatever the configuration says
    #[arg(long)]
    pub(crate) image: Option<String>,
    /// Keep the containers when the creation fails or is interrupted, for a look
    #[arg(long)]
    pub(crate) retain: bool,
    /// Wait so long for every node to be Ready, and for DNS and storage, such as `90s` or `5m`; running out is an error
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    pub(crate) wait: Duration,
    #[command(flatten)]
    pub(crate) kubeconfig: Kubeconfig,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Delete {
    /// Delete a cluster; one that does not exist is no error
    Cluster(DeleteCluster),
    /// Delete several clusters
    Clusters(DeleteClusters),
}

#[derive(Debug, Args)]
pub(crate) struct DeleteCluster {
    #[command(flatten)]
    pub(crate) name: Name,
    #[command(flatten)]
    pub(crate) kubeconfig: Kubeconfig,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteClusters {
    /// Which clusters
    #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) names: Vec<ClusterName>,
    /// Every cluster that `kind-rs create` made; those of tests and of other tools stay
    #[arg(short = 'A', long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) kubeconfig: Kubeconfig,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Get {
    /// Print the name of every cluster, kind's own included
    Clusters,
    /// Print the name of every node of a cluster, its load balancer included
    Nodes(GetNodes),
    /// Print the kubeconfig of a cluster's administrator
    Kubeconfig(GetKubeconfig),
}

#[derive(Debug, Args)]
pub(crate) struct GetNodes {
    #[command(flatten)]
    pub(crate) name: Name,
    /// The nodes of every cluster
    #[arg(short = 'A', long, conflicts_with = "name")]
    pub(crate) all_clusters: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GetKubeconfig {
    #[command(flatten)]
    pub(crate) name: Name,
    /// With the address for containers in the cluster's network, instead of the one for this machine
    #[arg(long)]
    pub(crate) internal: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Build {
    /// Build the node image from source, where it is not there yet, and print its reference
    NodeImage,
}

#[derive(Debug, Args)]
pub(crate) struct Name {
    /// The cluster's name; else `KIND_CLUSTER_NAME`, else `kind`
    #[arg(short, long)]
    pub(crate) name: Option<ClusterName>,
}

#[derive(Debug, Args)]
pub(crate) struct Kubeconfig {
    /// The kubeconfig file to change; else the first of `KUBECONFIG` that exists, else `~/.kube/config`
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}
