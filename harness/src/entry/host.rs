//! Where a test gets its cluster from: leases on real ones, or a scripted one in tests of this module.

use std::{error::Error, sync::Arc};

use kind_core::{
    access::Access,
    activity::{self, Activity},
    cluster::Cluster,
    settings::Settings,
};
use kind_engine::EngineChoice;
use kind_lease::{self as lease, Holder, LastWord, Lease, Outcome, Preparation};

use super::request::Wanted;
use crate::diagnose::Look;

/// Gives out clusters.
pub(super) trait Host {
    /// A cluster in use.
    type Held: Held;

    /// Waits for a cluster of this shape.
    async fn acquire(&self, wanted: &Wanted, access: Access, test: &str) -> Result<Self::Held, Refusal>;
}

/// A cluster in use by one test.
pub(super) trait Held {
    /// The handle.
    fn cluster(&self) -> Cluster;

    /// A client of the current runtime, whose requests are noted.
    fn client(&self, config: kube::Config, activity: &Arc<Activity>) -> Result<kube::Client, kube::Error>;

    /// The test is about to make this namespace.
    fn uses(&self, namespace: &str);

    /// What is left to say for a process that ends in the middle of the test.
    fn last_word(&self) -> Option<LastWord>;

    /// How a person looks into the cluster.
    fn look(&self) -> Look;

    /// The test is over.
    async fn release(self, outcome: Outcome);
}

/// Why there is no cluster.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Nothing here can run one: tests are skipped.
    NoEngine(String),
    /// The cluster is there and is none that this test could run on: it is skipped.
    Unfit(String),
    /// Anything else.
    Failed(Box<dyn Error + Send + Sync>),
}

/// Leases on real clusters.
pub(super) struct Leases<'a>(pub(super) &'a Settings);

/// A lease, and how its cluster is reached.
pub(super) struct Leased {
    lease: Lease,
    engine: EngineChoice,
}

impl Leased {
    pub(super) fn new(lease: Lease, settings: &Settings) -> Self {
        Self { lease, engine: settings.engine.clone() }
    }
}

impl Host for Leases<'_> {
    type Held = Leased;

    async fn acquire(&self, wanted: &Wanted, access: Access, test: &str) -> Result<Leased, Refusal> {
        let holder = Holder { test: test.to_owned() };
        let (settings, spec) = (self.0, &wanted.spec);
        let lease = match &wanted.prepared {
            None => lease::acquire(settings, spec, access, &holder).await,
            Some(prepared) => {
                let acquire = async |preparation: &Preparation<'_>| {
                    lease::acquire_fresh(settings, spec, Some(preparation), &holder).await
                };
                prepared.with(settings, acquire).await
            }
        };
        match lease {
            Ok(lease) => Ok(Leased::new(lease, self.0)),
            Err(error) => Err(match error.is_no_engine() {
                Some(reason) => Refusal::NoEngine(reason),
                None => Refusal::Failed(Box::new(error)),
            }),
        }
    }
}

impl Held for Leased {
    fn cluster(&self) -> Cluster {
        let cluster = Cluster::attach(self.lease.record().clone(), self.engine.clone());
        match self.lease.image_notes() {
            Some(folder) => cluster.with_image_notes_in(&folder),
            None => cluster,
        }
    }

    fn client(&self, config: kube::Config, activity: &Arc<Activity>) -> Result<kube::Client, kube::Error> {
        activity::client(config, activity)
    }

    fn uses(&self, namespace: &str) {
        self.lease.uses(namespace);
    }

    fn last_word(&self) -> Option<LastWord> {
        self.lease.last_word()
    }

    fn look(&self) -> Look {
        Look::InNode
    }

    async fn release(self, outcome: Outcome) {
        self.lease.release(outcome).await;
    }
}
