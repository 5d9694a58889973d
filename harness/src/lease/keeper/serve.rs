//! Watching over a cluster that is up: until it is to go, is broken, or has been mended.

use std::time::{Duration, SystemTime};

use super::claim::Claim;
use crate::{
    cluster::ClusterRecord,
    lease::{folder::Folder, order::Order, provisioner::Provisioner},
    wait::{self, Check},
};

/// How often the keeper looks whether its cluster is still wanted.
const EVERY: Duration = Duration::from_millis(100);
/// How often it asks the engine whether the cluster still runs.
const ASK: Duration = Duration::from_secs(5);

/// What the watch came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is not wanted any more, and the users' lock is held, so nobody can come in.
    Over(&'static str),
    /// A test had it for itself, and it is well.
    Mended,
    /// It cannot be used any more.
    Broken(String),
}

pub(super) async fn watch(
    folder: &Folder,
    order: &Order,
    provisioner: &dyn Provisioner,
    claim: &Claim,
    record: &ClusterRecord,
) -> Verdict {
    tokio::select! {
        verdict = wanted(folder, order, provisioner, claim, record) => verdict,
        // Beside the watch, not within: an engine that hangs must not keep a run's end from being seen.
        verdict = stopped(folder, provisioner, record) => verdict,
    }
}

/// Watches whether it is wanted, and looks at it after a test that had it for itself.
async fn wanted(
    folder: &Folder,
    order: &Order,
    provisioner: &dyn Provisioner,
    claim: &Claim,
    record: &ClusterRecord,
) -> Verdict {
    let watched = wait::until_every(EVERY, "the end of the cluster", Duration::MAX, async || {
        if let Some(why) = over(order, claim)
            && claim.users.try_exclusive().unwrap_or(false)
        {
            // Between the look and the lock somebody may have come and gone.
            if over(order, claim).is_some() {
                return Check::Done(Verdict::Over(why));
            }
            // Closing is the only other way to unlock; a failure shows at the next try.
            let _ = claim.users.unlock();
        }
        if folder.needs_check() {
            return Check::Done(match provisioner.mend(record).await {
                Ok(()) => Verdict::Mended,
                Err(why) => Verdict::Broken(format!("after a test that had it for itself: {why}")),
            });
        }
        Check::not_yet("it is wanted")
    });
    watched.await.unwrap_or(Verdict::Broken("the watch ended".to_owned()))
}

/// Waits until none of its nodes runs any more.
async fn stopped(folder: &Folder, provisioner: &dyn Provisioner, record: &ClusterRecord) -> Verdict {
    // A test that has the cluster for itself may stop all of it, and then it is looked at anyway.
    let is_left_alone = || folder.claimed().exists() || folder.needs_check();
    let watched = wait::until_every(ASK, "the end of its nodes", Duration::MAX, async || {
        // An engine that does not answer may be back soon.
        let stopped = !is_left_alone() && provisioner.runs(&record.name).await == Ok(false);
        if stopped && !is_left_alone() { Check::Done(()) } else { Check::not_yet("some run") }
    });
    match watched.await {
        Ok(()) => Verdict::Broken("none of its nodes runs any more".to_owned()),
        Err(error) => Verdict::Broken(error.to_string()),
    }
}

/// Why the cluster is not wanted any more.
fn over(order: &Order, claim: &Claim) -> Option<&'static str> {
    if !claim.keeper.is_current() {
        return Some("somebody removed its state folder");
    }
    if let Some(owner) = &order.owner {
        return (!owner.is_alive()).then_some("the run is over");
    }
    let touched = claim.users.touched().unwrap_or_else(|_| SystemTime::now());
    let unused = touched.elapsed().unwrap_or_default();
    (unused >= order.idle).then_some("nobody used it for the idle limit")
}
