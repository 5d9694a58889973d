//! The command line, as clap reads it. What the commands do is in `tasks`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The workspace's own tool.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Install what is missing, then run the example tests on a highly available cluster.
    Demo(ImageArgs),
    /// Install what is missing, then check format, lints, house rules and docs, and run every test and some conformance specs.
    Test(ImageArgs),
    /// Install what is missing, start the container engine, and have the node image; run nothing.
    Setup(ImageArgs),
    /// Install and build what is missing, then run the conformance specs that have not passed yet.
    Conformance(ConformanceArgs),
    /// Check the house rules.
    Tidy,
    /// Measure; nothing is judged.
    #[command(subcommand)]
    Bench(Bench),
    /// Run a cluster in a virtual machine: a host with control groups v2, and with the engine of a Debian release.
    Vm(VmArgs),
    /// Run clusters on other engines: Docker and podman of Debian releases, each in a root and a network of its own.
    Engines(EnginesArgs),
    /// Remove every cluster, network and process of ours from this machine; images stay.
    Clean,
}

/// Which node image to use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[group(multiple = false)]
pub struct ImageArgs {
    /// Use this node image, which is pulled where the engine does not have it; or that of this Kubernetes version, which is
    /// built.
    #[arg(long, value_name = "REFERENCE")]
    pub image: Option<String>,
    /// Build the node image from source, even where a prebuilt one could be pulled.
    #[arg(long)]
    pub build: bool,
    /// Pull kind's prebuilt node image, even where one of ours was built.
    #[arg(long)]
    pub pull: bool,
}

/// Which conformance specs to run.
#[derive(Debug, Clone, Default, Args)]
pub struct ConformanceArgs {
    /// Run those that passed before with the same images, too.
    #[arg(long)]
    pub again: bool,
    /// Only those that this nextest filter chooses, such as `test(/sig-network/)`.
    #[arg(long, value_name = "FILTERSET")]
    pub filter: Option<String>,
}

/// Which virtual machine to check in.
#[derive(Debug, Clone, Args)]
pub struct VmArgs {
    /// The Debian release: bookworm has Docker 20.10, trixie 26.1.
    #[arg(long, value_enum, default_value_t = Suite::Bookworm)]
    pub suite: Suite,
    /// Run the engine as a user, without root.
    #[arg(long)]
    pub rootless: bool,
    /// Who runs the machine's instructions. Where this machine is a virtual one itself, emulation may be the faster way.
    #[arg(long, value_enum, default_value_t = Accelerator::Tcg)]
    pub accelerator: Accelerator,
    /// How many processors it has.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    pub processors: u8,
    /// How much memory it has, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(2048..))]
    pub memory: u32,
    /// Which node image to use.
    #[command(flatten)]
    pub image: ImageArgs,
}

/// Which engines to try.
#[derive(Debug, Clone, Args)]
pub struct EnginesArgs {
    /// The engines; all where none is named.
    #[arg(value_enum, value_name = "NAME")]
    pub names: Vec<EngineName>,
    /// Which node image to use.
    #[command(flatten)]
    pub image: ImageArgs,
}

/// A Debian release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// Debian 12.
    Bookworm,
    /// Debian 13.
    Trixie,
}

impl Suite {
    /// Its name in Debian's archives.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        }
    }
}

/// Who runs a virtual machine's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Accelerator {
    /// Emulation.
    Tcg,
    /// This machine's processors.
    Kvm,
}

impl Accelerator {
    /// qemu's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcg => "tcg",
            Self::Kvm => "kvm",
        }
    }
}

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Time the steps of cluster creation: one node, and three control planes with one worker.
    Create(CreateArgs),
    /// Time how long a further test process takes to attach to a running cluster.
    Attach(AttachArgs),
    /// Measure what clusters take while nobody uses them, and how soon paused ones are themselves again.
    Pause(PauseArgs),
    /// Time leases and many short tests on one cluster, and count what is left after random kills.
    Share(ShareArgs),
    /// Time what conformance specs cost as tests, and compare with ginkgo's own parallel mode.
    Conformance(ConformanceBenchArgs),
}

/// An engine of a Debian release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// Debian 12's Docker, 20.10.
    DockerBookworm,
    /// Debian 13's Docker, 26.1.
    DockerTrixie,
    /// The newest Docker of Debian.
    DockerSid,
    /// The same, with containerd's image store.
    DockerSidContainerd,
    /// Debian 13's podman, 5.4.
    PodmanTrixie,
    /// The newest podman of Debian.
    PodmanSid,
}

/// How to measure cluster creation.
#[derive(Debug, Clone, Args)]
pub struct CreateArgs {
    /// How many clusters of each shape to create.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// The program that times kind on this machine, called as `PATH NODE_IMAGE LB_IMAGE CONTROL_PLANES WORKERS`.
    #[arg(long, value_name = "PATH")]
    pub kind_baseline: Option<PathBuf>,
    /// Do not time kind, even where its baseline is given.
    #[arg(long)]
    pub only_ours: bool,
    /// Also write the figures to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Which node image to use.
    #[command(flatten)]
    pub image: ImageArgs,
}

/// How to measure attaching.
#[derive(Debug, Clone, Args)]
pub struct AttachArgs {
    /// Which node image to use.
    #[command(flatten)]
    pub image: ImageArgs,
    /// How many times to attach.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
}

/// How to measure pauses.
#[derive(Debug, Clone, Args)]
pub struct PauseArgs {
    /// Which node image to use.
    #[command(flatten)]
    pub image: ImageArgs,
    /// What `kind-bench pause` is told; `-- --help` lists it.
    #[arg(last = true, value_name = "OPTION")]
    pub options: Vec<String>,
}

/// How to measure sharing.
#[derive(Debug, Clone, Args)]
pub struct ShareArgs {
    /// Which node image to use.
    #[command(flatten)]
    pub image: ImageArgs,
    /// What `kind-bench share` is told; `-- --help` lists it.
    #[arg(last = true, value_name = "OPTION")]
    pub options: Vec<String>,
}

/// How to measure conformance specs.
#[derive(Debug, Clone, Args)]
pub struct ConformanceBenchArgs {
    /// What `kind-bench conformance` is told; `-- --help` lists it.
    #[arg(last = true, value_name = "OPTION")]
    pub options: Vec<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn one_way_to_an_image_at_most() {
        assert!(Cli::try_parse_from(["xtask", "demo", "--build", "--pull"]).is_err());
        assert!(Cli::try_parse_from(["xtask", "test", "--image", "a", "--build"]).is_err());
        assert!(Cli::try_parse_from(["xtask", "demo", "--image", "a"]).is_ok());
    }
}
