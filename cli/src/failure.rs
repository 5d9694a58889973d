//! Everything a command can fail with: the exit code of each, and what to do where the error itself does not say it.

use std::{io, path::PathBuf};

use kind_core::{
    config_file::ConfigFileError,
    image::ImageError,
    inventory::FindError,
    kubeconfig::{ExportError, KubeconfigError},
    load::LoadError,
    logs::LogsError,
    power::PowerError,
    provision::{DestroyError, Expired, ProvisionError, Remains, StepError},
    settings::SettingsError,
    snapshot::SnapshotError,
    spec::{ClusterName, NameError, NameTooLong},
    tunnel::TunnelError,
};
use kind_engine::EngineError;
use kind_images::{BuildError, SourceError, UnsupportedVersion};
use kind_lease::LeaseError;
use kind_report::RewriteError;

mod conformance;
mod words;

pub(crate) use conformance::ConformanceFailure;
use words::{asks_frozen_node, engine_hint, is_answer, step_code};

use crate::{exit, signals::Signal};

/// A command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// An environment variable.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The cluster's name, which came from a variable or a configuration.
    #[error("{origin}")]
    Name {
        /// Where the name came from.
        origin: &'static str,
        /// What is wrong with it.
        #[source]
        source: NameError,
    },
    /// The cluster's name, for a cluster of that shape.
    #[error(transparent)]
    LongName(#[from] NameTooLong),
    /// The configuration file.
    #[error(transparent)]
    Config(#[from] ConfigFileError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The node image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The name, before anything was done.
    #[error(transparent)]
    Taken(StepError),
    /// The creation.
    #[error("create cluster {name}")]
    Create {
        /// The cluster.
        name: ClusterName,
        /// The step that failed.
        #[source]
        source: Box<ProvisionError>,
    },
    /// The creation took longer than it may.
    #[error("create cluster {name}: {step}")]
    OutOfTime {
        /// The cluster.
        name: ClusterName,
        /// What was under way.
        step: &'static str,
        /// The limit.
        #[source]
        source: Expired,
    },
    /// The creation was stopped by a signal.
    #[error("create cluster {name}: {signal}; {outcome}")]
    Interrupted {
        /// The cluster.
        name: ClusterName,
        /// The signal.
        signal: Signal,
        /// What became of what had been made.
        outcome: String,
    },
    /// A snapshot was stopped by a signal.
    #[error("make snapshot {name}: {signal}; {outcome}")]
    SnapshotStopped {
        /// The snapshot.
        name: ClusterName,
        /// The signal.
        signal: Signal,
        /// What became of it.
        outcome: String,
    },
    /// An image whose name is not known before it is made.
    #[error("print the reference of {what}: it is only known when the image is built; leave --print-reference out")]
    NoReference {
        /// Which image.
        what: &'static str,
    },
    /// A build was stopped by a signal.
    #[error("build the image: {signal}; {outcome}")]
    BuildStopped {
        /// The signal.
        signal: Signal,
        /// What became of its work.
        outcome: &'static str,
    },
    /// The cluster is up, the kubeconfig is not.
    #[error(
        "cluster {name} is up, but the kubeconfig was not changed; `kind-rs get kubeconfig --name {name}` prints it"
    )]
    NotMerged {
        /// The cluster.
        name: ClusterName,
        /// Why.
        #[source]
        source: KubeconfigError,
    },
    /// The user's kubeconfig.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The cluster's kubeconfig.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The machine is not fit.
    #[error("{count} checks say that clusters do not come up here; each says what to do")]
    Unfit {
        /// How many.
        count: usize,
    },
    /// A tunnel.
    #[error(transparent)]
    Tunnel(#[from] TunnelError),
    /// Logs could not be exported.
    #[error(transparent)]
    Logs(#[from] LogsError),
    /// There is nobody to read from.
    #[error(
        "load standard input: it is a terminal; expected an archive, as in `docker save app:1 | kind-rs load image-archive -`"
    )]
    NoInput,
    /// Images could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The removal.
    #[error(transparent)]
    Destroy(#[from] DestroyError),
    /// A snapshot.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Several removals; each has been reported.
    #[error("{failed} of {all} clusters could not be removed")]
    SomeNotDestroyed {
        /// How many failed.
        failed: usize,
        /// How many there were.
        all: usize,
    },
    /// A cluster that is stopped or started.
    #[error(transparent)]
    Power(#[from] PowerError),
    /// There is a cluster of that name, and it is of no use.
    #[error("cluster {name} is there, and not well")]
    NotWell {
        /// The cluster.
        name: ClusterName,
        /// What is wrong with it.
        #[source]
        source: Box<PowerError>,
    },
    /// A cluster or node that is named.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The state folder.
    #[error(transparent)]
    State(#[from] LeaseError),
    /// The list is printed, without what the engine would have said.
    #[error("ask the engine: {reason}; the list shows only what the state folder knows")]
    NotAsked {
        /// The engine's error.
        reason: String,
    },
    /// Something could not be removed.
    #[error("remove {what}: {reason}")]
    NotRemoved {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
    /// Several things could not be removed; each has been reported.
    #[error("{failed} of {all} removals failed; `kind-rs gc` may be repeated")]
    SomeNotRemoved {
        /// How many failed.
        failed: usize,
        /// How many there were.
        all: usize,
    },
    /// A file or folder of this machine that a command in a node is to read.
    #[error("{action} {}", path.display())]
    LocalFile {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A folder that is no folder of manifests.
    #[error("send {}: its files have more than {} MiB together; name a smaller folder", path.display(), limit >> 20)]
    TooMuch {
        /// The folder.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// The report of a test run.
    #[error(transparent)]
    Report(#[from] RewriteError),
    /// The terminal.
    #[error("set up the terminal")]
    Terminal(#[source] io::Error),
    /// The node image's build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// No home, hence no folder for the build.
    #[error("find a folder for the build's results: set XDG_CACHE_HOME or HOME")]
    NoHome,
    /// The manual pages.
    #[error("write the manual pages to {}", folder.display())]
    Manual {
        /// Where.
        folder: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is nothing to build of that version.
    #[error(transparent)]
    Version(#[from] UnsupportedVersion),
    /// There is nothing to build from.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A run of conformance specs.
    #[error(transparent)]
    Conformance(#[from] ConformanceFailure),
    /// Standard output.
    #[error("print the result")]
    Output(#[source] io::Error),
    /// The asynchronous runtime or its signal handlers.
    #[error("start the program")]
    Runtime(#[source] io::Error),
}

impl Failure {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Settings(_)
            | Self::Name { .. }
            | Self::LongName(_)
            | Self::Config(_)
            | Self::Version(_)
            | Self::Source(_)
            | Self::NoReference { .. }
            | Self::NoHome => exit::CONFIGURATION,
            Self::Engine(_)
            | Self::NotAsked { .. }
            | Self::Find(FindError::Engine { .. })
            | Self::Tunnel(TunnelError::Engine(_))
            | Self::Logs(LogsError::Find(FindError::Engine { .. }))
            | Self::Image(ImageError::Engine(_))
            | Self::Snapshot(SnapshotError::Find(FindError::Engine { .. }))
            | Self::Power(
                PowerError::Find(FindError::Engine { .. }) | PowerError::Export(ExportError::Engine { .. }),
            )
            | Self::Export(ExportError::Engine { .. }) => exit::ENGINE,
            Self::Load(LoadError::Engine(error)) if !is_answer(error) => exit::ENGINE,
            Self::Snapshot(SnapshotError::Engine(error)) if !is_answer(error) => exit::ENGINE,
            Self::Image(_)
            | Self::Build(_)
            | Self::Load(_)
            | Self::Snapshot(
                SnapshotError::Missing { .. }
                | SnapshotError::Incomplete { .. }
                | SnapshotError::Expired { .. }
                | SnapshotError::Unreadable { .. }
                | SnapshotError::Architecture { .. },
            ) => exit::IMAGE,
            Self::Taken(_) | Self::NotWell { .. } | Self::Snapshot(SnapshotError::Taken { .. }) => exit::NAME_TAKEN,
            Self::Power(PowerError::Container { source, .. }) if !is_answer(source) => exit::ENGINE,
            Self::Create { source, .. } => step_code(&source.source),
            Self::OutOfTime { .. } | Self::Power(PowerError::Wait(_)) => exit::TIMED_OUT,
            Self::Interrupted { signal, .. }
            | Self::SnapshotStopped { signal, .. }
            | Self::BuildStopped { signal, .. } => exit::SIGNAL + signal.number(),
            Self::Conformance(failure) => failure.code(),
            Self::Export(ExportError::NoCluster { .. })
            | Self::Logs(LogsError::Find(FindError::NoCluster { .. }))
            | Self::Power(PowerError::Find(FindError::NoCluster { .. }))
            | Self::Snapshot(SnapshotError::Find(FindError::NoCluster { .. }))
            | Self::Tunnel(TunnelError::NoCluster { .. })
            | Self::Find(FindError::NoCluster { .. } | FindError::NoNode { .. }) => exit::NO_CLUSTER,
            Self::NotMerged { .. } | Self::Kubeconfig(_) | Self::Export(_) => exit::KUBECONFIG,
            Self::Destroy(_)
            | Self::SomeNotDestroyed { .. }
            | Self::NotRemoved { .. }
            | Self::SomeNotRemoved { .. } => exit::NOT_REMOVED,
            Self::Find(_)
            | Self::Power(_)
            | Self::Snapshot(_)
            | Self::NoInput
            | Self::Unfit { .. }
            | Self::Tunnel(_)
            | Self::Logs(_)
            | Self::State(_)
            | Self::LocalFile { .. }
            | Self::TooMuch { .. }
            | Self::Report(_)
            | Self::Manual { .. }
            | Self::Terminal(_)
            | Self::Output(_)
            | Self::Runtime(_) => exit::FAILURE,
        }
    }

    /// What to do, where the error itself does not say it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Create { name, source } if source.remains == Remains::Retained => {
                Some(format!("`kind-rs delete cluster --name {name}` removes what was kept"))
            }
            Self::Create { name, source } if source.remains != Remains::Removed => Some(format!(
                "`kind-rs delete cluster --name {name}` removes what was made, once the engine answers again"
            )),
            Self::Create { source, .. } if matches!(source.source, StepError::NoLoadBalancer { .. }) => {
                Some("once it is there it is used; `--load-balancer-image` names another one".to_owned())
            }
            Self::NotWell { name, .. } => Some(format!(
                "`kind-rs start cluster --name {name}` starts what does not run, `kind-rs delete cluster --name {name}` removes it"
            )),
            Self::Conformance(failure) => failure.hint(),
            Self::Create { source, .. } => engine_hint(&source.source).map(str::to_owned),
            Self::Destroy(DestroyError::Engine { name, .. }) => {
                Some(format!("`kind-rs delete cluster --name {name}` may be repeated"))
            }
            other => asks_frozen_node(other).then(|| "`kind-rs unpause cluster --name NAME` lets it go on".to_owned()),
        }
    }
}
