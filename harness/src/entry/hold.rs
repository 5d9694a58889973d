//! A cluster for a test that is no function of its own, such as a spec of another suite: what `#[kind_test]` does around
//! a body, as calls.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{
    activity::Doing,
    cluster::Cluster,
    diagnose::{self, Failed, Look},
    lease::{self, Access, Holder, Lease, LeaseError, Outcome},
    settings::{Keep, Settings},
    spec::ClusterSpec,
};

use super::{name::TestName, namespace, timeline::Timeline};

/// A hold on a cluster, for runners of tests that are not `#[kind_test]` functions.
///
/// The program that asks for one may be run again as the cluster's keeper: the first thing that its `main` does is to ask
/// [`lease::keeper_order`], and to hand an order to [`lease::run_keeper`].
///
/// ```no_run
/// use kind_harness::{ClusterSpec, Hold, lease::Access, settings::Settings};
///
/// # async fn run(settings: &Settings) -> Result<(), kind_harness::lease::LeaseError> {
/// let hold = Hold::take(settings, &ClusterSpec::default(), Access::Shared, "suite::spec").await?;
/// println!("run the spec with {}", hold.cluster().kubeconfig());
/// hold.passed().await;
/// # Ok(())
/// # }
/// ```
pub struct Hold {
    lease: Lease,
    cluster: Cluster,
    test: TestName,
    keep: Keep,
    artifacts: PathBuf,
    timeline: Timeline,
    since: SystemTime,
}

impl Hold {
    /// Waits for a cluster of this shape, which is made where there is none. `test` is the test's full name, with `::`
    /// between its parts.
    ///
    /// # Errors
    /// As [`lease::acquire`]; [`LeaseError::is_no_engine`] tells a machine without an engine.
    pub async fn take(settings: &Settings, spec: &ClusterSpec, access: Access, test: &str) -> Result<Self, LeaseError> {
        let (timeline, since) = (Timeline::new(), SystemTime::now());
        timeline.begin("waited for a cluster");
        let lease = lease::acquire(settings, spec, access, &Holder { test: test.to_owned() }).await?;
        timeline.begin("ran");
        let cluster = Cluster::attach(lease.record().clone(), settings.docker_host.clone());
        let test = TestName::given(test, settings.attempt);
        let artifacts = settings.artifacts.join(test.folder());
        // Most often there is none, and where it stays, what is new overwrites what is old.
        let _ = std::fs::remove_dir_all(&artifacts);
        Ok(Self { lease, cluster, test, keep: settings.keep, artifacts, timeline, since })
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The cluster's state folder, which goes with the cluster: for what is done once for a cluster.
    pub fn state_dir(&self) -> &Path {
        self.lease.state_dir()
    }

    /// The folder for what the test leaves. Nothing of an earlier run is in it; whoever writes first makes it.
    pub fn artifacts(&self) -> &Path {
        &self.artifacts
    }

    /// Gives the cluster back after a test that passed.
    pub async fn passed(self) {
        self.lease.release(Outcome::Passed).await;
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
                    look: Look::InNode,
                    folder: &self.artifacts,
                };
                let told = diagnose::failure(&client, &failed, diagnose::LIMIT).await;
                if let (Keep::Never, Some(namespace)) = (self.keep, namespace) {
                    namespace::tidy_up(&client, namespace).await;
                }
                told
            }
            Err(error) => format!("the cluster was not looked at: {error}"),
        };
        self.lease.release(Outcome::Failed).await;
        told
    }
}
