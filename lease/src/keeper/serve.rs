//! Watching over a cluster that is up: until it is to go, is broken, or has been mended.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    io,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use kind_core::{
    cluster::ClusterRecord,
    wait::{self, Check},
};

use super::{
    Journal,
    claim::Claim,
    idle::{self, Pausing},
};
use crate::{
    folder::Folder, marks::Killed, order::Order, provisioner::Provisioner, runs::Runs, state::Found, step::step,
};

/// How often the keeper looks whether its cluster is still wanted.
const EVERY: Duration = Duration::from_millis(100);
/// How often it asks the engine whether the cluster still runs.
const ASK: Duration = Duration::from_secs(2);

/// How often it looks for tests that were killed.
const BURY: Duration = Duration::from_secs(1);

/// What the watch came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is not wanted any more, and the users' lock is held, so nobody can come in.
    Over(&'static str),
    /// It was looked at, and it is well.
    Mended,
    /// Nobody has used it for long enough to pause it, and the users' lock is held.
    Unused,
    /// It cannot be used any more.
    Broken(String),
}

/// What a keeper remembers from one watch to the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The marks of killed tests whose namespaces cannot be deleted, each of which is a reason to doubt once.
    pub(super) told: BTreeSet<PathBuf>,
    /// Whether it can be paused.
    pub(super) pausing: Pausing,
}

pub(super) async fn watch(
    folder: &Folder,
    order: &Order,
    provisioner: &dyn Provisioner,
    journal: &Journal,
    claim: &Claim,
    record: &ClusterRecord,
    memory: &mut Memory,
) -> io::Result<Verdict> {
    let Memory { told, pausing } = memory;
    // Side by side: neither an engine nor a cluster that hangs must keep a run's end from being seen.
    tokio::select! {
        biased;
        why = unwanted(folder, order, claim) => Ok(Verdict::Over(why)),
        verdict = looked_at(folder, provisioner, record) => verdict,
        verdict = engine_watched(folder, provisioner, record) => Ok(verdict),
        () = idle::unused(folder, order, provisioner, claim, record), if *pausing == Pausing::Possible => Ok(Verdict::Unused),
        never = bury(folder, provisioner, journal, record, told) => match never {},
    }
}

/// Waits until it is not wanted any more; then the users' lock is held.
async fn unwanted(folder: &Folder, order: &Order, claim: &Claim) -> &'static str {
    let watched = wait::until_every(EVERY, "the end of the cluster", Duration::MAX, async || {
        let Some(why) = over(folder, order, claim) else { return Check::not_yet("it is wanted") };
        if !claim.users.try_exclusive().unwrap_or(false) {
            return Check::not_yet("tests use it");
        }
        // Between the look and the lock somebody may have come and gone.
        if over(folder, order, claim).is_some() {
            return Check::Done(why);
        }
        // Closing is the only other way to unlock; a failure shows at the next try.
        let _ = claim.users.unlock();
        Check::not_yet("it is wanted again")
    });
    match watched.await {
        Ok(why) => why,
        Err(_) => std::future::pending().await,
    }
}

/// Waits until somebody asks for a look at it, and looks. Not under a test that has it for itself and may do with it what
/// it likes.
async fn looked_at(folder: &Folder, provisioner: &dyn Provisioner, record: &ClusterRecord) -> io::Result<Verdict> {
    let asked = wait::until_every(EVERY, "a doubt", Duration::MAX, async || {
        let is_due = folder.needs_check() && !folder.claimed().exists();
        if is_due { Check::Done(()) } else { Check::not_yet("it is well") }
    });
    if asked.await.is_err() {
        return std::future::pending().await;
    }
    folder.begin_check()?;
    Ok(match provisioner.mend(record).await {
        Ok(()) => Verdict::Mended,
        Err(why) => Verdict::Broken(why),
    })
}

/// Sees to what tests left that were killed, `told` of earlier ones that could not be seen to yet: the cluster is looked at before others use it, and their namespaces go.
async fn bury(
    folder: &Folder,
    provisioner: &dyn Provisioner,
    journal: &Journal,
    record: &ClusterRecord,
    told: &mut BTreeSet<PathBuf>,
) -> Infallible {
    let buried = wait::until_every(BURY, "the end of the cluster", Duration::MAX, async || {
        for killed in folder.killed() {
            let is_new = told.insert(killed.path.clone());
            match see_to(folder, provisioner, record, &killed, is_new).await {
                Ok(()) => {
                    told.remove(&killed.path);
                    journal.line(format_args!("test `{}` was killed: seen to", killed.mark.test));
                }
                // It is tried again and again, and told of once.
                Err(why) if is_new => {
                    journal.line(format_args!("test `{}` was killed, and what it left stays: {why}", killed.mark.test));
                }
                Err(_) => {}
            }
        }
        Check::<Infallible>::not_yet("more may be killed")
    });
    match buried.await {
        Ok(never) => match never {},
        Err(_) => std::future::pending().await,
    }
}

async fn see_to(
    folder: &Folder,
    provisioner: &dyn Provisioner,
    record: &ClusterRecord,
    killed: &Killed,
    is_new: bool,
) -> Result<(), String> {
    let file = |error: io::Error| error.to_string();
    if is_new {
        // First: it may be because of the cluster that the rest fails.
        folder.doubt().map_err(file)?;
    }
    if let Some(namespace) = &killed.mark.namespace {
        provisioner.delete_namespace(record, namespace).await?;
        step("deleted the namespace of a killed test");
    }
    killed.forget().map_err(file)
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

/// Waits until a test wants the cluster, or until the scope is over and nobody can come in any more. Tests are looked for at
/// one pace, the end of the scope at another.
pub(super) async fn is_wanted(every: Duration, end: Duration, folder: &Folder, order: &Order, claim: &Claim) -> bool {
    let (mut refused, mut looked) = (0, None::<Instant>);
    let wanted = wait::until_every(every, "a test that wants the cluster", Duration::MAX, async || {
        if !claim.users.try_exclusive().unwrap_or(false) {
            refused += 1;
            // A sweep holds the lock for a moment, too.
            return if refused > 2 { Check::Done(true) } else { Check::not_yet("somebody holds the lock") };
        }
        refused = 0;
        if looked.is_none_or(|when| when.elapsed() >= end) {
            looked = Some(Instant::now());
            if over(folder, order, claim).is_some() {
                return Check::Done(false);
            }
        }
        // Closing is the only other way to unlock; a failure shows at the next try.
        let _ = claim.users.unlock();
        Check::not_yet("nobody wants it")
    });
    wanted.await.unwrap_or(true)
}

/// The order with its present limits: a later run's tests may have set others.
pub(super) fn limits(folder: &Folder, order: &Order) -> Order {
    match folder.order() {
        Ok(Found::This(current)) => current,
        _ => order.clone(),
    }
}

/// Why the cluster is not wanted any more.
pub(super) fn over(folder: &Folder, order: &Order, claim: &Claim) -> Option<&'static str> {
    if !claim.keeper.is_current() {
        return Some("somebody removed its state folder");
    }
    if let Some(owner) = &order.owner {
        if !owner.is_alive() {
            return Some("the run is over");
        }
        return claim.users.is_disused().then_some("its test is over");
    }
    let idle = limits(folder, order).idle;
    let touched = claim.users.touched().unwrap_or_else(|_| SystemTime::now());
    let unused = touched.elapsed().unwrap_or_default();
    (unused >= idle).then_some("nobody used it for the idle limit")
}
