//! Watching over a cluster that is up: until it is to go, is broken, or has been mended.

use std::time::{Duration, SystemTime};

use super::claim::Claim;
use crate::{
    cluster::ClusterRecord,
    lease::{folder::Folder, order::Order, provisioner::Provisioner, runs::Runs},
    wait::{self, Check},
};

/// How often the keeper looks whether its cluster is still wanted.
const EVERY: Duration = Duration::from_millis(100);
/// How often it asks the engine whether the cluster still runs.
const ASK: Duration = Duration::from_secs(2);

/// What the watch came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is not wanted any more, and the users' lock is held, so nobody can come in.
    Over(&'static str),
    /// It was looked at, and it is well.
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
        verdict = engine_watched(folder, provisioner, record) => verdict,
    }
}

/// Watches whether it is wanted, and looks at it where that is asked for.
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
                Err(why) => Verdict::Broken(why),
            });
        }
        Check::not_yet("it is wanted")
    });
    watched.await.unwrap_or(Verdict::Broken("the watch ended".to_owned()))
}

/// Waits until none of its nodes runs any more. Where the engine started all of them again, nobody new comes in before the
/// cluster was looked at: nodes are back in a second, their API is not.
async fn engine_watched(folder: &Folder, provisioner: &dyn Provisioner, record: &ClusterRecord) -> Verdict {
    // A test that has the cluster for itself may stop all of it, and then it is looked at anyway.
    let is_left_alone = || folder.claimed().exists() || folder.needs_check();
    let mut earlier = Runs::default();
    let watched = wait::until_every(ASK, "the end of its nodes", Duration::MAX, async || {
        if is_left_alone() {
            earlier = Runs::default();
            return Check::not_yet("a test has it for itself");
        }
        // An engine that does not answer may be back soon.
        let Ok(runs) = provisioner.runs(&record.name).await else {
            return Check::not_yet("the engine does not answer");
        };
        if is_left_alone() {
            return Check::not_yet("a test has it for itself");
        }
        if runs.none() {
            return Check::Done("none of its nodes runs any more".to_owned());
        }
        if runs.all_started_since(&earlier)
            && let Err(error) = folder.doubt()
        {
            return Check::Done(format!("all of its nodes were started again, and that cannot be noted: {error}"));
        }
        earlier = runs;
        Check::not_yet("some run")
    });
    Verdict::Broken(watched.await.unwrap_or_else(|error| error.to_string()))
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
