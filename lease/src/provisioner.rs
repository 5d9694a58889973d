//! What the keeper asks of bring-up and removal, so that its protocol can be tried without an engine.

use async_trait::async_trait;
use kind_core::{cluster::ClusterRecord, provision::Progress, spec::ClusterName};

use super::{key::Key, order::Order, runs::Runs};

/// Something that makes and removes clusters. Every method may be called again after a process that called it died.
#[async_trait(?Send)]
pub(crate) trait Provisioner: Send + Sync {
    /// Makes the cluster of an order. Nothing of its name is there.
    async fn create(&self, order: &Order, progress: &dyn Progress) -> Result<ClusterRecord, CreateError>;

    /// Removes everything of that name that is ours and says how many things there were; none is no error.
    async fn destroy(&self, name: &ClusterName) -> Result<usize, String>;

    /// Whether a cluster can be used, mended where that is quickly done.
    async fn mend(&self, record: &ClusterRecord) -> Result<(), String>;

    /// Freezes a cluster that nobody uses.
    async fn pause(&self, record: &ClusterRecord) -> Result<(), String>;

    /// Lets a cluster go on that is paused, or that a killed keeper was about to pause, and waits until it can be used.
    async fn resume(&self, record: &ClusterRecord) -> Result<(), String>;

    /// Whether somebody on this machine is connected to its API, test or not.
    fn is_connected(&self, record: &ClusterRecord) -> bool;

    /// Asks for the end of a namespace that its test cannot delete any more; that there is none is no error.
    async fn delete_namespace(&self, record: &ClusterRecord, namespace: &str) -> Result<(), String>;

    /// Which of its containers run; an error where the engine does not say.
    async fn runs(&self, name: &ClusterName) -> Result<Runs, String>;

    /// The keys of all clusters that this state folder's keepers made and that are there, even in parts.
    async fn made_here(&self) -> Result<Vec<Key>, String>;
}

/// A cluster could not be brought up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CreateError {
    /// What went wrong, with all its causes.
    pub(crate) error: String,
    /// Why there is no engine, where that is what went wrong.
    pub(crate) no_engine: Option<String>,
}
