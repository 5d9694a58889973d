//! Everything that a run of conformance specs can fail with.

use std::{io, path::PathBuf};

use kind_conformance::{FactsError, FolderError, RunError};
use kind_engine::EngineError;
use kind_lease::LeaseError;

use crate::{exit, signals::Signal};

/// A run of conformance specs did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConformanceFailure {
    /// The version.
    #[error("find the conformance specs of Kubernetes {version}: there are those of {known}")]
    NoVersion {
        /// What was asked for.
        version: String,
        /// What there is.
        known: String,
    },
    /// The selection.
    #[error("choose conformance specs: none of the {all} matches; `kind-rs conformance list` takes the same arguments")]
    NoSpec {
        /// How many there are.
        all: usize,
    },
    /// The suite, the cluster, or what both need.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The cluster does not say what it is.
    #[error("look at the cluster")]
    Facts(#[from] FactsError),
    /// There is no engine to ask.
    #[error("reach the container engine")]
    Engine(#[source] EngineError),
    /// Upstream's images cannot be had.
    #[error(
        "run the specs on upstream's images: no registry gave {image}; without `--images upstream` they run on substitutes that are built here"
    )]
    NoUpstream {
        /// The one that was tried.
        image: String,
        /// Why not; `None` where the registry did not answer in time.
        #[source]
        source: Option<EngineError>,
    },
    /// The cluster cannot be certified.
    #[error("run the specs of Kubernetes {wanted} for a certificate: {problem}")]
    Unfit {
        /// The version of the specs.
        wanted: &'static str,
        /// What is wrong with the cluster.
        problem: String,
    },
    /// The folder of results.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The `JUnit` file.
    #[error("write the results to {}", path.display())]
    Junit {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Specs failed, or have no result.
    #[error("{failed} of {all} specs failed and {missing} have no result; the same command runs them again")]
    Specs {
        /// How many failed.
        failed: usize,
        /// How many have no result.
        missing: usize,
        /// How many were to pass.
        all: usize,
    },
    /// A certified run is no evidence yet.
    #[error("the run is not complete: {failed} specs failed, {missing} have no result, {without_log} have no log")]
    Incomplete {
        /// How many failed.
        failed: usize,
        /// How many have no result.
        missing: usize,
        /// The logs of how many are gone.
        without_log: usize,
    },
    /// A signal.
    #[error("run conformance specs: {signal}; the same command goes on with what is left")]
    Stopped {
        /// The signal.
        signal: Signal,
    },
}

impl ConformanceFailure {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::NoVersion { .. } | Self::NoSpec { .. } => exit::USAGE,
            Self::Run(RunError::NoHome) => exit::CONFIGURATION,
            Self::Run(RunError::NotBuilt { .. }) | Self::NoUpstream { .. } => exit::IMAGE,
            Self::Engine(_) => exit::ENGINE,
            Self::Run(RunError::Cluster(error)) => match error {
                LeaseError::Engine(_) | LeaseError::NoEngine { .. } => exit::ENGINE,
                LeaseError::Spec(_) => exit::CONFIGURATION,
                LeaseError::Creation { .. } => exit::STEP_FAILED,
                LeaseError::Existing(_) => exit::NO_CLUSTER,
                _ => exit::FAILURE,
            },
            Self::Facts(_) => exit::NO_CLUSTER,
            Self::Specs { .. } | Self::Incomplete { .. } | Self::Unfit { .. } => exit::SPECS_FAILED,
            Self::Stopped { signal } => exit::SIGNAL + signal.number(),
            Self::Run(_) | Self::Folder(_) | Self::Junit { .. } => exit::FAILURE,
        }
    }

    /// What to do, where the error itself does not say it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Folder(FolderError::OtherSubject { .. }) => {
                Some("`--anew` forgets those results, `--results FOLDER` leaves them".to_owned())
            }
            Self::Folder(FolderError::Foreign { .. }) => Some("`--results FOLDER` names another folder".to_owned()),
            Self::Incomplete { failed, .. } if *failed > 0 => {
                Some("nothing is tried twice for a certificate: `--anew` begins again".to_owned())
            }
            Self::Incomplete { missing, .. } if *missing > 0 => {
                Some("the same command goes on with what is missing".to_owned())
            }
            _ => None,
        }
    }
}
