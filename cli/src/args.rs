//! The command line: every command, flag and its help, named as kind names them. No behaviour.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use kind_core::spec::ClusterName;

use crate::{duration, exit};

mod build;
mod conformance;
mod given;
mod power;
mod program;
mod snapshot;

pub(crate) use build::{BaseImage, Build, ConformanceImage, NodeImage};
pub(crate) use conformance::{Conformance, ConformanceList, ConformanceRun, Specs};
pub(crate) use given::{Given, Kubeconfig, Name, NameOrWord, given, given_ref};
pub(crate) use power::{Pause, Restart, Start, StartCluster, Stop, StopCluster, Unpause, with_cluster};
pub(crate) use program::{Completion, Manual, ShellKind};
pub(crate) use snapshot::{Snapshot, SnapshotCreate, SnapshotDelete, SnapshotList};

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
    /// How to tell what goes on: `auto` is a live tree on a terminal and plain lines elsewhere; `json` is one object a
    /// line on standard error, errors included
    #[arg(long, global = true, value_name = "FORM", default_value = "auto", hide_possible_values = true)]
    pub(crate) progress: ProgressForm,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The form of what is told on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressForm {
    Auto,
    Plain,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a cluster
    #[command(subcommand)]
    Create(Create),
    /// Delete clusters
    #[command(subcommand)]
    Delete(Delete),
    /// Start a cluster that was stopped
    #[command(subcommand)]
    Start(Start),
    /// Stop a cluster and keep its data
    #[command(subcommand)]
    Stop(Stop),
    /// Stop a cluster and start it again
    #[command(subcommand)]
    Restart(Restart),
    /// Freeze a cluster
    #[command(subcommand)]
    Pause(Pause),
    /// Let a frozen cluster go on
    #[command(subcommand)]
    Unpause(Unpause),
    /// Keep a cluster as it is, to make others of it
    #[command(subcommand)]
    Snapshot(Snapshot),
    /// Print clusters, nodes or a kubeconfig
    #[command(subcommand)]
    Get(Get),
    /// Export a kubeconfig, or logs
    #[command(subcommand)]
    Export(Export),
    /// Load images into nodes
    #[command(subcommand)]
    Load(Load),
    /// Build the node image
    #[command(subcommand)]
    Build(Build),
    /// Run Kubernetes' conformance specs
    #[command(subcommand)]
    Conformance(Conformance),
    /// Show every cluster: its state, who uses it, what it takes, and when it goes
    Ps(Ps),
    /// Remove what nobody needs: tests' clusters without an owner, remains of killed removals, networks without a cluster
    Gc(Gc),
    /// Open a shell in a node, or run a command there
    Shell(Shell),
    /// Run a cluster's own kubectl, as its administrator
    Kubectl(Kubectl),
    /// Make the ports that a cluster publishes on another machine, or outside of this container, lead there from here
    Tunnel(Tunnel),
    /// Write the report of the last test run anew from its records, and print where it is
    Report(Report),
    /// Check whether this machine is fit for clusters
    Doctor(Doctor),
    /// Print a script that completes commands and flags in a shell
    Completion(Completion),
    /// Write the manual pages, one for each command, for `man`
    Manual(Manual),
    /// Print the version
    Version,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The folder with the run's records; else `ARTIFACTS`, else `kind` in the target folder
    #[arg(value_name = "ARTIFACTS")]
    pub(crate) artifacts: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Create {
    /// Create a cluster: one control plane, or what a configuration file describes
    Cluster(CreateCluster),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct CreateCluster {
    /// The cluster's name; else `KIND_CLUSTER_NAME`, else the configuration's, else `kind`
    #[arg(short, long)]
    pub(crate) name: Option<Given<ClusterName>>,
    /// The cluster's name, as with --name
    #[arg(value_name = "CLUSTER", conflicts_with = "name")]
    pub(crate) word: Option<ClusterName>,
    /// A configuration file (kind.x-k8s.io/v1alpha4); `-` for standard input
    #[arg(long, value_name = "FILE", value_parser = given::path(), value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<Given<PathBuf>>,
    /// Make it of a snapshot (`kind-rs snapshot create`), which says all that a configuration would
    #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["config", "image", "dry_run"])]
    pub(crate) from_snapshot: Option<Given<ClusterName>>,
    /// Be content with a cluster of that name that is there and well; its shape is not compared
    #[arg(long)]
    pub(crate) ignore_existing: bool,
    /// The node image of every node, whatever the configuration says: a reference, or a Kubernetes version such as `v1.36`
    /// for the image that `kind-rs build node-image --version` makes of it
    #[arg(long)]
    pub(crate) image: Option<Given<String>>,
    /// The image of the load balancer in front of several control planes: upstream's nginx, or what `kind-rs build` makes;
    /// where the node image has no nginx, upstream's is pulled
    #[arg(long, value_name = "IMAGE")]
    pub(crate) load_balancer_image: Option<Given<String>>,
    /// Keep the containers when the creation fails or is interrupted, for a look
    #[arg(long)]
    pub(crate) retain: bool,
    /// Wait so long for every node to be Ready, and for DNS and storage, such as `90s` or `5m`; running out is an error
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    pub(crate) wait: Duration,
    /// Give up when all of it takes longer, such as `10m`, remove what was made, and say which step hung; steps then
    /// have no shorter limits of their own
    #[arg(long, value_name = "DURATION", value_parser = duration::parse_some)]
    pub(crate) timeout: Option<Duration>,
    /// Only check the configuration and print what would be made; asks no engine and makes nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How to print what would be made
    #[arg(short, long, value_name = "FORM", requires = "dry_run")]
    pub(crate) output: Option<Format>,
    /// Leave kubectl's current context as it is
    #[arg(long)]
    pub(crate) no_switch: bool,
    #[command(flatten)]
    pub(crate) kubeconfig: Kubeconfig,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Delete {
    /// Delete a cluster, also one that kind made; one that does not exist is no error
    Cluster(DeleteCluster),
    /// Delete several clusters
    Clusters(DeleteClusters),
}

#[derive(Debug, Args)]
pub(crate) struct DeleteCluster {
    #[command(flatten)]
    pub(crate) name: NameOrWord,
    #[command(flatten)]
    pub(crate) kubeconfig: Kubeconfig,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteClusters {
    /// Which clusters
    #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) names: Vec<ClusterName>,
    /// Every cluster of ours: those of `kind-rs create`, and those of tests that no test uses
    #[arg(short = 'A', long)]
    pub(crate) all: bool,
    /// With --all, also those that other tools made, such as kind
    #[arg(long, requires = "all")]
    pub(crate) foreign: bool,
    #[command(flatten)]
    pub(crate) kubeconfig: Kubeconfig,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Get {
    /// Print the name of every cluster, kind's own included
    Clusters(GetClusters),
    /// Print the name of every node of a cluster, its load balancer included
    Nodes(GetNodes),
    /// Print the kubeconfig of a cluster's administrator
    Kubeconfig(GetKubeconfig),
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // One JSON document.
    Json,
    // One YAML document.
    Yaml,
    // Names only, one a line.
    Name,
}

#[derive(Debug, Args)]
pub(crate) struct GetClusters {
    /// How to print them
    #[arg(short, long, value_name = "FORM", default_value = "name")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct GetNodes {
    #[command(flatten)]
    pub(crate) name: NameOrWord,
    /// The nodes of every cluster
    #[arg(short = 'A', long, conflicts_with_all = ["name", "word"])]
    pub(crate) all_clusters: bool,
    /// How to print them
    #[arg(short, long, value_name = "FORM", default_value = "name")]
    pub(crate) output: Format,
}

#[derive(Debug, Args)]
pub(crate) struct GetKubeconfig {
    #[command(flatten)]
    pub(crate) name: NameOrWord,
    /// With the address for containers in the cluster's network, instead of the one for this machine
    #[arg(long)]
    pub(crate) internal: bool,
    /// How to print it; `name` prints the context's name
    #[arg(short, long, value_name = "FORM", default_value = "yaml")]
    pub(crate) output: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// Put a cluster into the user's kubeconfig, as its creation does
    Kubeconfig(ExportKubeconfig),
    /// Write everything that explains a cluster into a folder, and print the folder's path
    Logs(ExportLogs),
}

#[derive(Debug, Args)]
pub(crate) struct ExportLogs {
    /// The folder; else a new one among the temporary files. An older export in it is moved to a folder of its own there
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) name: Name,
}

#[derive(Debug, Args)]
pub(crate) struct ExportKubeconfig {
    #[command(flatten)]
    pub(crate) name: NameOrWord,
    /// With the address for containers in the cluster's network, instead of the one for this machine
    #[arg(long)]
    pub(crate) internal: bool,
    /// Leave kubectl's current context as it is
    #[arg(long)]
    pub(crate) no_switch: bool,
    #[command(flatten)]
    pub(crate) kubeconfig: Kubeconfig,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Load {
    /// Bring images of the engine into nodes
    DockerImage(LoadImages),
    /// Bring the images of archives (docker save, or an OCI layout; plain, gzip or zstd) into nodes
    ImageArchive(LoadArchives),
}

#[derive(Debug, Args)]
pub(crate) struct LoadImages {
    /// Which images, by tag, digest or ID
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<String>,
    #[command(flatten)]
    pub(crate) target: LoadTarget,
}

#[derive(Debug, Args)]
pub(crate) struct LoadArchives {
    /// Which files; pipes will do, and `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) target: LoadTarget,
}

#[derive(Debug, Args)]
pub(crate) struct LoadTarget {
    #[command(flatten)]
    pub(crate) name: Name,
    /// Only these nodes, separated by commas
    #[arg(long, value_name = "NODE", value_delimiter = ',')]
    pub(crate) nodes: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Raise kernel settings that are too low, until the machine starts again; nothing else is changed
    #[arg(long)]
    pub(crate) fix: bool,
    /// How to print what was found; `name` prints what is not as it should be
    #[arg(short, long, value_name = "FORM")]
    pub(crate) output: Option<Format>,
}

#[derive(Debug, Args)]
pub(crate) struct Ps {
    /// A table for people, or JSON for programs (docs/command-line.md describes it)
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    pub(crate) output: Form,
}

/// The form of a list: for people, or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Form {
    #[default]
    Table,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// Also remove clusters that are kept for a look or for the next run, where no test uses them
    #[arg(long)]
    pub(crate) all: bool,
    /// Also remove images that were built here from other inputs than today's, where no container uses them
    #[arg(long)]
    pub(crate) images: bool,
    /// Only say what would go, and why
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "The exit code is the command's own.")]
pub(crate) struct Shell {
    /// The cluster's name
    pub(crate) name: ClusterName,
    /// The node, such as `worker2` or `demo-worker2`; else the first control plane
    pub(crate) node: Option<String>,
    /// Pass standard input to the command also where it is no terminal
    #[arg(short = 'i', long, requires = "command")]
    pub(crate) stdin: bool,
    /// A command to run instead of a shell, with its arguments
    #[arg(last = true)]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "kind-rs kubectl <NAME> [ARGUMENTS]...",
    after_help = "\
Files and folders that are named with -f, -k, --from-file and the like are this machine's.
What needs kubectl itself on this machine (port-forward, proxy, edit, cp) wants one of your own:
`kind-rs get kubeconfig` prints what it needs.
The exit code is kubectl's own."
)]
pub(crate) struct Kubectl {
    /// The cluster's name, then kubectl's arguments
    // One list, so that everything behind the name is kubectl's, whatever it looks like.
    #[arg(hide = true, required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
It listens on 127.0.0.1 under the published ports' own numbers, so that the cluster's kubeconfig holds as it is, and passes
connections on through the engine. It runs until it is interrupted.")]
pub(crate) struct Tunnel {
    /// The cluster's name
    pub(crate) name: ClusterName,
}
