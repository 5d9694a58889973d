//! The arguments of `kind-rs build`.

use clap::{Args, Subcommand, ValueEnum};
use kind_images::{Checksum, SourceKind};

#[derive(Debug, Subcommand)]
pub(crate) enum Build {
    /// Build the base image of nodes, which can be a load balancer, where it is not there yet, and print its reference
    BaseImage(BaseImage),
    /// Build the node image where it is not there yet, and print its reference
    NodeImage(NodeImage),
    /// Build the conformance suite and its node image from source, and print the image's reference
    Conformance(ConformanceImage),
}

/// What every build takes.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct HowToBuild {
    /// Make everything anew, with today's compilers and Debian packages, in place of what is there under the same name
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Print the reference of the image that would be made, and make nothing: a key for caches. No engine is asked
    #[arg(long, conflicts_with = "rebuild")]
    pub(crate) print_reference: bool,
    /// Where Debian's packages come from; else the sources of this machine's apt
    #[arg(long, value_name = "URL")]
    pub(crate) debian_mirror: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct BaseImage {
    #[command(flatten)]
    pub(crate) how: HowToBuild,
    /// Another name for the image
    #[arg(long, value_name = "NAME")]
    pub(crate) image: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ConformanceImage {
    #[command(flatten)]
    pub(crate) how: HowToBuild,
    /// The Kubernetes version, such as `v1.36.3`, or `v1.36`; else the newest one
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
An archive is checked before anything of it is used: against --checksum, or against what lies or is published beside it,
with .sha512 or .sha256 behind its name. A folder of sources is built with Go, in whatever state it is; nothing in it changes.")]
pub(crate) struct NodeImage {
    /// Where Kubernetes comes from: the address or the path of an archive (kubernetes-server-linux-….tar.gz), a folder with
    /// its sources, or a release such as v1.36.3, whose archive is fetched; else the Go modules of a release
    #[arg(value_name = "SOURCE")]
    pub(crate) source: Option<String>,
    /// What the source is, where that is not to be guessed
    #[arg(long = "type", value_name = "TYPE", value_enum)]
    pub(crate) kind: Option<SourceType>,
    /// The Kubernetes version: of Go modules, such as `v1.36.3`, or `v1.36` for the newest that is known of it, else the
    /// newest of all; of a folder of sources, in place of what git says
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<String>,
    /// What an archive has to be: the digits of its SHA-256 or SHA-512
    #[arg(long, value_name = "CHECKSUM")]
    pub(crate) checksum: Option<Checksum>,
    /// Another name for the image
    #[arg(long, value_name = "NAME")]
    pub(crate) image: Option<String>,
    /// A base image in place of the one that `kind-rs build base-image` makes; it has to have what a node runs
    #[arg(long, value_name = "IMAGE")]
    pub(crate) base_image: Option<String>,
    /// The architecture, such as `amd64`; only the engine's own
    #[arg(long)]
    pub(crate) arch: Option<String>,
    #[command(flatten)]
    pub(crate) how: HowToBuild,
}

/// The kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SourceType {
    /// Go modules, of the release that --version names
    Module,
    /// A folder with Kubernetes' sources
    Source,
    /// An archive on this machine
    File,
    /// An archive to be fetched
    Url,
    /// The published archive of a release
    Release,
    /// A node image, such as kindest/node; it is pulled where it is not there
    Image,
}

impl From<SourceType> for SourceKind {
    fn from(kind: SourceType) -> Self {
        match kind {
            SourceType::Module => Self::Module,
            SourceType::Source => Self::Source,
            SourceType::File => Self::File,
            SourceType::Url => Self::Url,
            SourceType::Release => Self::Release,
            SourceType::Image => Self::Image,
        }
    }
}
