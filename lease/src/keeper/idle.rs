//! A cluster that nobody uses for a while: when it is paused, and when it goes on.

use std::time::{Duration, SystemTime};

use kind_core::{
    cluster::ClusterRecord,
    wait::{self, Check},
};

use super::{claim::Claim, serve};
use crate::{folder::Folder, order::Order, provisioner::Provisioner};

/// How often it is looked whether anybody uses a cluster that runs.
const EVERY: Duration = Duration::from_millis(500);
/// How often it is looked whether a test wants one that is paused.
const WANTED: Duration = Duration::from_millis(20);

/// Whether the engine can freeze containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Pausing {
    /// As far as is known.
    #[default]
    Possible,
    /// It refused to.
    Refused,
}

/// Waits until nobody has used it for that long; then the users' lock is held, so that nobody can begin to. Whoever is
/// connected to its API from this machine uses it, too.
pub(super) async fn unused(
    folder: &Folder,
    order: &Order,
    provisioner: &dyn Provisioner,
    claim: &Claim,
    record: &ClusterRecord,
) {
    let watched = wait::until_every(EVERY, "the end of its use", Duration::MAX, async || {
        if claim.users.is_disused() {
            return Check::not_yet("it is to go");
        }
        if provisioner.is_connected(record) {
            // Without the note it only looks unused.
            let _ = claim.users.touch();
        }
        let Some(limit) = serve::limits(folder, order).pause else { return Check::not_yet("it is not to be paused") };
        let is_due = || {
            let touched = claim.users.touched().unwrap_or_else(|_| SystemTime::now());
            let is_quiet = touched.elapsed().unwrap_or_default() >= limit;
            is_quiet && !folder.claimed().exists() && !folder.needs_check() && folder.killed().is_empty()
        };
        if !is_due() || !claim.users.try_exclusive().unwrap_or(false) {
            return Check::not_yet("it is used");
        }
        // Between the look and the lock somebody may have come and gone.
        if is_due() {
            return Check::Done(());
        }
        // Closing is the only other way to unlock; a failure shows at the next try.
        let _ = claim.users.unlock();
        Check::not_yet("it was used just now")
    });
    if watched.await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until somebody wants a paused cluster; `false` where its scope is over, and then the users' lock is held.
pub(super) async fn is_wanted_again(
    folder: &Folder,
    order: &Order,
    provisioner: &dyn Provisioner,
    claim: &Claim,
    record: &ClusterRecord,
) -> bool {
    let tests = serve::is_wanted(WANTED, EVERY, folder, order, claim);
    let people = wait::until_every(EVERY, "a connection to it", Duration::MAX, async || {
        if provisioner.is_connected(record) { Check::Done(()) } else { Check::not_yet("nobody is connected") }
    });
    tokio::select! {
        biased;
        wanted = tests => wanted,
        _ = people => {
            let _ = claim.users.touch();
            true
        }
    }
}
