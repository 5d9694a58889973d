//! Everything a command can fail with: the exit code of each, and what to do where the error itself does not say it.

use std::io;

use kind_engine::EngineError;
use kind_harness::{
    ClusterName,
    config_file::ConfigFileError,
    image::ImageError,
    kubeconfig::{ExportError, KubeconfigError},
    provision::{DestroyError, ProvisionError, StepError},
    settings::SettingsError,
    spec::NameError,
};
use kind_images::BuildError;

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
    /// The removal.
    #[error(transparent)]
    Destroy(#[from] DestroyError),
    /// Several removals; each has been reported.
    #[error("{failed} of {all} clusters could not be removed")]
    SomeNotDestroyed {
        /// How many failed.
        failed: usize,
        /// How many there were.
        all: usize,
    },
    /// The node image's build.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// No home, hence no folder for the build.
    #[error("find a folder for the build's results: set HOME")]
    NoHome,
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
            Self::Settings(_) | Self::Name { .. } | Self::Config(_) | Self::NoHome => exit::CONFIGURATION,
            Self::Engine(_) | Self::Image(ImageError::Engine(_)) | Self::Export(ExportError::Engine { .. }) => {
                exit::ENGINE
            }
            Self::Image(_) | Self::Build(_) => exit::IMAGE,
            Self::Taken(_) => exit::NAME_TAKEN,
            Self::Create { source, .. } => step_code(&source.source),
            Self::Interrupted { signal, .. } => exit::SIGNAL + signal.number(),
            Self::Export(ExportError::NoCluster { .. }) => exit::NO_CLUSTER,
            Self::NotMerged { .. } | Self::Kubeconfig(_) | Self::Export(_) => exit::KUBECONFIG,
            Self::Destroy(_) | Self::SomeNotDestroyed { .. } => exit::NOT_REMOVED,
            Self::Output(_) | Self::Runtime(_) => exit::FAILURE,
        }
    }

    /// What to do, where the error itself does not say it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Create { name, source } if source.retained => {
                Some(format!("`kind-rs delete cluster --name {name}` removes what was kept"))
            }
            Self::Create { source, .. } => engine_hint(&source.source).map(str::to_owned),
            Self::Destroy(DestroyError::Engine { name, .. }) => {
                Some(format!("`kind-rs delete cluster --name {name}` may be repeated"))
            }
            _ => None,
        }
    }
}

fn step_code(error: &StepError) -> u8 {
    match error {
        StepError::NameTaken { .. } => exit::NAME_TAKEN,
        StepError::NoImage { .. } | StepError::NoLoadBalancer { .. } => exit::IMAGE,
        StepError::Spec(_) => exit::CONFIGURATION,
        StepError::TimedOut { .. } | StepError::Wait(_) => exit::TIMED_OUT,
        StepError::Engine(error) if !is_answer(error) => exit::ENGINE,
        _ => exit::STEP_FAILED,
    }
}

/// Whether the engine itself is well and only refused.
fn is_answer(error: &EngineError) -> bool {
    matches!(error, EngineError::Refused { .. } | EngineError::File { .. })
}

/// Words of the engine that do not tell a newcomer what to do.
fn engine_hint(error: &StepError) -> Option<&'static str> {
    let StepError::Engine(EngineError::Refused { message, .. }) = error else { return None };
    let has = |words: &str| message.contains(words);
    if has("port is already allocated") || has("address already in use") {
        Some(
            "another program listens on that port: choose another hostPort or apiServerPort, or leave it out for a free one",
        )
    } else if has("no space left on device") {
        Some("the engine's disk is full: `docker system df` shows by what")
    } else {
        None
    }
}
