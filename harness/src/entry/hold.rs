//! A cluster for a test that is no function of its own, such as a spec of another suite: what `#[kind_test]` does around
//! a body, as calls.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use kind_core::{
    access::Access,
    activity::Doing,
    cluster::Cluster,
    settings::{Keep, Settings},
    spec::ClusterSpec,
};
use kind_lease::{self as lease, Holder, LeaseError, Outcome};

use super::{
    existing::{Existing, Visiting},
    host::{Held as _, Host as _, Leased, Refusal},
    name::TestName,
    namespace::{self, API_LIMIT},
    request::Wanted,
    timeline::Timeline,
};
use crate::diagnose::{self, Failed, Look};

/// A hold on a cluster, for runners of tests that are not `#[kind_test]` functions.
///
/// ```no_run
/// use kind_harness::{Access, ClusterSpec, Hold, Settings};
///
/// # async fn run(settings: &Settings) -> Result<(), Box<dyn std::error::Error>> {
/// let hold = Hold::take(settings, &ClusterSpec::default(), Access::Shared, "suite::spec").await?;
/// println!("run the spec with {}", hold.cluster().kubeconfig().await?);
/// hold.passed().await;
/// # Ok(())
/// # }
/// ```
pub struct Hold {
    held: Held,
    cluster: Cluster,
    test: TestName,
    keep: Keep,
    artifacts: PathBuf,
    timeline: Timeline,
    since: SystemTime,
}

/// Whose the cluster is.
enum Held {
    Ours(Box<Leased>),
    Theirs(Box<Visiting>),
}

impl Hold {
    /// Waits for a cluster of this shape, which is made where there is none; where the settings name a cluster of
    /// somebody else, for that one, whatever its shape. `test` is the test's full name, with `::` between its parts.
    ///
    /// # Errors
    /// As [`lease::acquire`]; [`LeaseError::is_no_engine`] tells a machine without an engine.
    pub async fn take(settings: &Settings, spec: &ClusterSpec, access: Access, test: &str) -> Result<Self, LeaseError> {
        let (timeline, since) = (Timeline::new(), SystemTime::now());
        timeline.begin("waited for a cluster");
        let held = Held::take(settings, spec, access, test).await?;
        timeline.begin("ran");
        let cluster = held.cluster();
        let artifacts = Self::artifacts_of(settings, test);
        let test = TestName::given(test, settings.attempt);
        // Most often there is none, and where it stays, what is new overwrites what is old.
        let _ = std::fs::remove_dir_all(&artifacts);
        Ok(Self { held, cluster, test, keep: settings.keep, artifacts, timeline, since })
    }

    /// The folder for what the test of that name leaves, whether or not it is there.
    pub fn artifacts_of(settings: &Settings, test: &str) -> PathBuf {
        settings.artifacts.join(TestName::given(test, settings.attempt).folder())
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The folder for what the test leaves. Nothing of an earlier run is in it; whoever writes first makes it.
    pub fn artifacts(&self) -> &Path {
        &self.artifacts
    }

    /// Gives the cluster back after a test that passed, or that was called off: then nothing of it is worth a look.
    pub async fn passed(self) {
        self.held.release(Outcome::Passed).await;
    }

    /// Gives the cluster back after a test that failed, for this reason, having used this namespace. What the namespace
    /// looked like is written to [`Hold::artifacts`]; returned are the lines to print. The namespace is deleted where
    /// nothing is to be kept.
    pub async fn failed(self, reason: &str, namespace: Option<&str>) -> String {
        let told = match self.cluster.client().await {
            Ok(client) => {
                let failed = Failed {
                    test: self.test.as_str(),
                    reason,
                    timeline: &self.timeline.to_string(),
                    since: self.since,
                    doing: &Doing::default(),
                    namespace,
                    cluster: &self.cluster,
                    keep: self.keep,
                    look: self.held.look(),
                    folder: &self.artifacts,
                };
                let told = diagnose::failure(&client, &failed, diagnose::LIMIT).await;
                if let (Keep::Never, Some(namespace)) = (self.keep, namespace) {
                    namespace::tidy_up(&client, namespace, API_LIMIT).await;
                }
                told
            }
            Err(error) => format!("the cluster was not looked at: {error}"),
        };
        self.held.release(Outcome::Failed).await;
        told
    }
}

impl Held {
    async fn take(settings: &Settings, spec: &ClusterSpec, access: Access, test: &str) -> Result<Self, LeaseError> {
        let Some(which) = &settings.existing else {
            let lease = lease::acquire(settings, spec, access, &Holder { test: test.to_owned() }).await?;
            return Ok(Self::Ours(Box::new(Leased::new(lease, settings))));
        };
        let wanted = Wanted { spec: spec.clone(), is_asked_for: false, prepared: None };
        match (Existing { which, settings }).acquire(&wanted, access, test).await {
            Ok(visiting) => Ok(Self::Theirs(Box::new(visiting))),
            Err(Refusal::Failed(error)) => Err(LeaseError::Existing(error)),
            Err(Refusal::NoEngine(reason) | Refusal::Unfit(reason)) => Err(LeaseError::Existing(reason.into())),
        }
    }

    fn cluster(&self) -> Cluster {
        match self {
            Self::Ours(leased) => leased.cluster(),
            Self::Theirs(visiting) => visiting.cluster(),
        }
    }

    fn look(&self) -> Look {
        match self {
            Self::Ours(leased) => leased.look(),
            Self::Theirs(visiting) => visiting.look(),
        }
    }

    async fn release(self, outcome: Outcome) {
        match self {
            Self::Ours(leased) => leased.release(outcome).await,
            Self::Theirs(visiting) => visiting.release(outcome).await,
        }
    }
}
