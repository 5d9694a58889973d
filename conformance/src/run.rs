//! One spec from the lease to the verdict.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use kind_core::{access::Access, causes::lines, cluster::ClusterError, settings::Settings, spec::ClusterSpec};
use kind_harness::Hold;
use kind_images::conformance;
use kind_lease::LeaseError;
use serde::{Deserialize, Serialize};

use crate::{
    catalog::{Catalog, Spec},
    invoke::{Ended, Invocation, InvokeError, Ran},
    leftovers, log,
    report::Outcome,
    results,
    stop::Stop,
    suite::Suite,
    test_images::TestImages,
    workers::Pool,
};

/// The file among a spec's artifacts that has everything the suite printed.
pub(crate) const LOG: &str = "e2e.log";

/// How many specs there must be for each process that they share: to ask for their order costs a few seconds, too.
const WORTH: usize = 3;

/// How a spec ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passed.
    Passed {
        /// How long it took, as the suite measured it.
        took: Duration,
        /// How long the whole process of the suite took.
        process: Duration,
    },
    /// It failed.
    Failed(Box<Failed>),
    /// It was to end early, or not to begin.
    Stopped,
}

/// What a reader wants to know of a spec that failed. Displayed, it is all of that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The spec's exact name.
    pub upstream: String,
    /// Why it failed, and where in upstream's sources.
    pub message: String,
    /// What the spec itself printed, at most its last lines.
    pub printed: String,
    /// What it left in the cluster, in a few lines.
    pub left: String,
    /// The file with everything that the suite printed.
    pub log: PathBuf,
    /// How long the whole process of the suite took.
    pub process: Duration,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { upstream, message, printed, left, .. } = self;
        let heading = if printed.is_empty() { "" } else { "---- what it printed\n" };
        write!(f, "{upstream}\n{message}\n{heading}{printed}\n{left}")
    }
}

/// A spec could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nobody knows where builds leave the suite.
    #[error("find the conformance suite: HOME is not set")]
    NoHome,
    /// The suite is not built.
    #[error(
        "find the conformance suite of Kubernetes {version}: it is not in {}; `kind-rs build conformance --version {version}` builds it", cache.display()
    )]
    NotBuilt {
        /// The version.
        version: &'static str,
        /// Where it would be.
        cache: PathBuf,
    },
    /// There is no cluster to be had.
    #[error(transparent)]
    Cluster(LeaseError),
    /// The cluster's API cannot be reached from here.
    #[error("reach the cluster")]
    Reach(#[source] ClusterError),
    /// The folder for what the spec leaves.
    #[error("make the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The suite did not run.
    #[error(transparent)]
    Suite(#[from] InvokeError),
}

/// What specs run with: the suite, and the cluster that they share or have for themselves.
#[derive(Debug)]
pub struct Runner {
    settings: Settings,
    suite: Suite,
    logs: Logs,
    /// Processes that specs share.
    pool: Option<Pool>,
}

/// Of which specs everything is kept that the suite printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logs {
    /// Of those that failed.
    OfFailed,
    /// Of all.
    OfAll,
}

impl Runner {
    /// Specs of this suite. Clusters are made by the settings, or are somebody else's that they name.
    pub fn new(settings: Settings, suite: Suite, logs: Logs) -> Self {
        Self { settings, suite, logs, pool: None }
    }

    /// Kubernetes' own conformance specs of these, with the suite that an earlier build left.
    ///
    /// # Errors
    /// When the suite is not built.
    pub fn find(settings: Settings, catalog: &Catalog, logs: Logs, images: TestImages) -> Result<Self, RunError> {
        let release = catalog.release();
        let cache = settings.cache_dir.as_deref().ok_or(RunError::NoHome)?.join("images");
        match conformance::find(release, &cache) {
            Some(built) => {
                let suite = Suite::conformance(&settings, release, &built, images);
                Ok(Self::new(settings, suite, logs))
            }
            None => Err(RunError::NotBuilt { version: release.kubernetes, cache }),
        }
    }

    /// As it is, for a cluster where so many nodes take pods.
    #[must_use]
    pub fn workers(self, workers: usize) -> Self {
        Self { suite: self.suite.workers(workers), ..self }
    }

    /// As it is, for these specs and so many of them at once, which take turns on as many processes of the suite where there
    /// are enough of them. A process for each spec costs a second of a processor, which is more than many specs need.
    /// [`end`](Self::end) ends them.
    #[must_use]
    pub fn sharing_processes(self, specs: &[&Spec], at_once: usize) -> Self {
        let parallel = specs.iter().filter(|spec| !spec.is_serial()).count();
        let pool = (parallel > at_once.saturating_mul(WORTH)).then(|| Pool::new(at_once));
        Self { pool, ..self }
    }

    /// Lets processes that specs shared take back what the suite's set-up made, and end.
    ///
    /// # Errors
    /// When one cannot be ended.
    pub async fn end(&self) -> Result<(), RunError> {
        match &self.pool {
            Some(pool) => Ok(pool.end().await?),
            None => Ok(()),
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The node image of clusters that are made for the suite; `None` for the default one.
    pub fn image(&self) -> Option<&str> {
        self.shape().nodes.first()?.image.as_deref()
    }

    /// What clusters that are made for the suite look like.
    pub fn shape(&self) -> &ClusterSpec {
        &self.suite.shape
    }

    /// Waits for the cluster, beside others or without them.
    ///
    /// # Errors
    /// When there is none.
    pub async fn cluster(&self, access: Access, test: &str) -> Result<Hold, RunError> {
        Hold::take(&self.settings, self.shape(), access, test).await.map_err(RunError::Cluster)
    }

    /// The folder for what the spec leaves.
    pub fn artifacts(&self, spec: &Spec) -> PathBuf {
        Hold::artifacts_of(&self.settings, spec.test)
    }

    /// Runs one spec on a cluster that it shares with others, or has for itself where it is serial.
    ///
    /// # Errors
    /// When there is no cluster, or the suite does not run. A spec that fails is a [`Verdict`].
    pub async fn run(&self, spec: &Spec, stop: &Stop) -> Result<Verdict, RunError> {
        let access = if spec.is_serial() { Access::Exclusive } else { Access::Shared };
        let hold = tokio::select! {
            hold = self.cluster(access, spec.test) => hold?,
            () = stop.asked() => return Ok(Verdict::Stopped),
        };
        let folder = hold.artifacts().to_owned();
        std::fs::create_dir_all(&folder).map_err(|source| RunError::Folder { path: folder.clone(), source })?;
        let path = folder.join(LOG);
        let limit =
            self.settings.timeout.unwrap_or(if spec.is_slow() { self.suite.slow_limit } else { self.suite.limit });
        let invocation = Invocation {
            suite: &self.suite,
            kubeconfig: hold.cluster().kubeconfig().await.map_err(RunError::Reach)?,
            upstream: spec.upstream,
            limit,
            log: &path,
        };
        let ended = self.invoke(spec, &invocation, stop).await;
        self.note(spec, &ended);
        match ended {
            Ok(Ended::Ran(Ran { outcome: Outcome::Passed { took }, took: process, .. })) => {
                if self.logs == Logs::OfFailed {
                    forget(&folder);
                }
                hold.passed().await;
                Ok(Verdict::Passed { took, process })
            }
            Ok(Ended::Ran(ran)) => Ok(Verdict::Failed(Box::new(Box::pin(failed(hold, spec, ran, path)).await))),
            Ok(Ended::Stopped { log }) => {
                leftovers::remove(hold.cluster(), &log).await;
                forget(&folder);
                hold.passed().await;
                Ok(Verdict::Stopped)
            }
            Err(error @ (InvokeError::Hangs { .. } | InvokeError::NoReport { .. } | InvokeError::Died { .. })) => {
                let message = lines(&error);
                let left = Box::pin(hold.failed(&message, None)).await;
                let upstream = spec.upstream.to_owned();
                Ok(Verdict::Failed(Box::new(Failed { upstream, message, left, log: path, ..Failed::default() })))
            }
            Err(error) => {
                hold.passed().await;
                Err(error.into())
            }
        }
    }

    /// In a process of its own where no others are to be had, and where it must be alone.
    async fn invoke(&self, spec: &Spec, invocation: &Invocation<'_>, stop: &Stop) -> Result<Ended, InvokeError> {
        if let Some(pool) = &self.pool
            && !spec.is_serial()
            && let Some(ended) = pool.run(invocation, stop).await?
        {
            return Ok(ended);
        }
        invocation.run(stop).await
    }

    /// Adds to the file of results, where there is one.
    fn note(&self, spec: &Spec, ended: &Result<Ended, InvokeError>) {
        let Some(path) = &self.settings.conformance_results else { return };
        let (result, took, process) = match ended {
            Ok(Ended::Ran(ran)) => match &ran.outcome {
                Outcome::Passed { took } => ("passed", *took, ran.took),
                Outcome::Failed(failure) => ("failed", failure.took, ran.took),
                _ => ("failed", Duration::ZERO, ran.took),
            },
            Err(InvokeError::Hangs { limit, .. }) => ("failed", *limit, *limit),
            Err(InvokeError::NoReport { .. } | InvokeError::Died { .. }) => ("failed", Duration::ZERO, Duration::ZERO),
            Ok(Ended::Stopped { .. }) | Err(_) => return,
        };
        if let Err(error) = results::append(path, spec.test, result, took, process) {
            eprintln!("the result could not be added to {}: {error}", path.display());
        }
    }
}

/// Nobody wants to read what there is.
fn forget(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        eprintln!("{} could not be removed: {error}", folder.display());
    }
}

/// Writes the evidence and returns what the reader wants to see: the spec's own words, and what it left in the cluster.
async fn failed(hold: Hold, spec: &Spec, ran: Ran, log: PathBuf) -> Failed {
    let named = match &ran.outcome {
        Outcome::Failed(failure) => failure.namespace.clone(),
        _ => None,
    };
    let namespace = named.as_deref().or_else(|| log::namespace(&ran.log));
    let message = match ran.outcome {
        Outcome::Failed(failure) => format!("{}\n  at {}", failure.message, failure.location),
        Outcome::SkippedItself { reason } => {
            format!("it skipped itself, so that nothing was tested: {reason}")
        }
        Outcome::NotReached { failure } => {
            format!("the suite failed before it: {}\n  at {}", failure.message, failure.location)
        }
        Outcome::Unknown => "the suite has no spec of this name; is it of another version?".to_owned(),
        Outcome::Passed { .. } => String::new(),
    };
    let left = hold.failed(&message, namespace).await;
    Failed {
        upstream: spec.upstream.to_owned(),
        message: message.trim().to_owned(),
        printed: log::own_lines(&ran.log, spec.upstream),
        left,
        log,
        process: ran.took,
    }
}
