//! The phases of a keeper's life.

use kind_core::cluster::ClusterRecord;

use crate::provisioner::CreateError;

/// Where a keeper is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Become the one keeper.
    Claim,
    /// See what the last one left.
    Look,
    /// It is not well, or unknown: wait until no test uses it any more, or until it is well again.
    Vacate(Option<Box<ClusterRecord>>),
    /// Tell that a bring-up begins.
    Announce,
    /// Remove what is left of an earlier one.
    Clear,
    /// Bring the cluster up.
    Create,
    /// Tell that it is ready.
    Publish(Box<ClusterRecord>),
    /// Watch over it.
    Serve(Box<ClusterRecord>),
    /// Nobody uses it, and nobody can come in: pause it, until somebody wants it.
    Pause(Box<ClusterRecord>),
    /// Somebody wants it: let it go on.
    Resume(Box<ClusterRecord>),
    /// Tell that the bring-up failed.
    Confess(CreateError),
    /// Remove what it left.
    Tidy,
    /// Nobody can come in any more: decide how it ends.
    Close(Box<ClusterRecord>),
    /// Tell that it is being removed.
    Condemn,
    /// Remove the cluster.
    Destroy,
    /// Remove the folder.
    Forget,
    /// Nothing is left to do.
    Over,
}
