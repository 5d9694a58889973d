//! One spec from the lease to the verdict.

use std::{error::Error, path::PathBuf, time::Duration};

use kind_harness::{
    ClusterSpec, Hold,
    lease::{Access, LeaseError},
    settings::Settings,
};
use kind_images::{Release, conformance};

use crate::{
    catalog::Spec,
    invoke::{Invocation, InvokeError, Ran},
    log,
    report::Outcome,
    results,
};

/// Upstream has a spec that wants two nodes which take pods, and no use for more.
const WORKERS: usize = 2;
/// How long a spec may take. The longest needs about two minutes on an idle machine with two processors.
const LIMIT: Duration = Duration::from_secs(15 * 60);
/// As [`LIMIT`], for specs that upstream calls slow; one waits for five minutes.
const SLOW_LIMIT: Duration = Duration::from_secs(25 * 60);

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
    /// There is no engine here, for this reason.
    Skipped(String),
    /// It failed; this is what its reader wants to see.
    Failed(String),
}

/// A spec could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Nobody knows where builds leave the suite.
    #[error("find the conformance suite: HOME is not set")]
    NoHome,
    /// The suite is not built.
    #[error(
        "find the conformance suite of Kubernetes {version}: it is not in {}; `kind-rs build conformance` builds it", cache.display()
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
    /// A spec that must run has no engine.
    #[error("get a cluster: {0}; KIND_TEST_REQUIRE makes that a failure instead of a skipped test")]
    Required(String),
    /// The suite did not run.
    #[error(transparent)]
    Suite(#[from] InvokeError),
}

/// Runs one spec on a cluster that it shares with others, or has for itself where it is serial.
///
/// # Errors
/// When there is no suite, no cluster, or the suite does not run. A spec that fails is a [`Verdict`].
pub async fn run(settings: &Settings, spec: &Spec) -> Result<Verdict, RunError> {
    let release = Release::newest();
    let cache = settings.cache_dir.as_deref().ok_or(RunError::NoHome)?.join("images");
    let suite = conformance::find(release, &cache);
    let suite = suite.ok_or_else(|| RunError::NotBuilt { version: release.kubernetes, cache })?;
    let shape = ClusterSpec::default().control_planes(settings.conformance_control_planes).workers(WORKERS);
    let access = if spec.is_serial() { Access::Exclusive } else { Access::Shared };
    let hold = match Hold::take(settings, &shape.image(suite.image), access, spec.test).await {
        Ok(hold) => hold,
        Err(error) => {
            return match error.is_no_engine() {
                Some(reason) if !settings.require => Ok(Verdict::Skipped(reason)),
                Some(reason) => Err(RunError::Required(reason)),
                None => Err(RunError::Cluster(error)),
            };
        }
    };
    let limit = settings.timeout.unwrap_or(if spec.is_slow() { SLOW_LIMIT } else { LIMIT });
    let invocation = Invocation {
        e2e_test: &suite.e2e_test,
        kubectl: &suite.kubectl,
        kubeconfig: hold.cluster().kubeconfig(),
        workers: WORKERS,
        upstream: spec.upstream,
        limit,
    };
    let ran = invocation.run().await;
    if let (Some(path), Ok(ran)) = (&settings.conformance_results, &ran) {
        let (result, took) = match &ran.outcome {
            Outcome::Passed { took } => ("passed", *took),
            Outcome::Failed(failure) => ("failed", failure.took),
            _ => ("failed", Duration::ZERO),
        };
        if let Err(error) = results::append(path, spec.test, result, took, ran.took) {
            eprintln!("the result could not be added to {}: {error}", path.display());
        }
    }
    match ran {
        Ok(Ran { outcome: Outcome::Passed { took }, took: process, .. }) => {
            hold.passed().await;
            Ok(Verdict::Passed { took, process })
        }
        Ok(ran) => Ok(Verdict::Failed(Box::pin(failed(hold, spec, ran)).await)),
        Err(error) => {
            let left = hold.failed(&chain(&error), None).await;
            eprintln!("{left}");
            Err(error.into())
        }
    }
}

/// Writes the evidence and returns what the reader wants to see: the spec's own words, and what it left in the cluster.
async fn failed(hold: Hold, spec: &Spec, ran: Ran) -> String {
    let message = match ran.outcome {
        Outcome::Failed(failure) => format!("{}\n  at {}", failure.message, failure.location),
        Outcome::SkippedItself { reason } => {
            format!("it skipped itself, which a conformance spec must not: {reason}")
        }
        Outcome::NotReached { failure } => {
            format!("the suite failed before it: {}\n  at {}", failure.message, failure.location)
        }
        Outcome::Unknown => "the suite has no spec of this name; is it of another version?".to_owned(),
        Outcome::Passed { .. } => String::new(),
    };
    let path = hold.artifacts().join("e2e.log");
    let written = std::fs::create_dir_all(hold.artifacts()).and_then(|()| std::fs::write(&path, &ran.log));
    if let Err(error) = written {
        eprintln!("the suite's output could not be written to {}: {error}", path.display());
    }
    let left = hold.failed(&message, log::namespace(&ran.log)).await;
    let printed = log::own_lines(&ran.log, spec.upstream);
    format!("{}\n{}\n---- what it printed\n{printed}\n{left}", spec.upstream, message.trim())
}

/// An error and everything that caused it, one a line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}\n  caused by: {cause}");
        source = cause.source();
    }
    text
}
