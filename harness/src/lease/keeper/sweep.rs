//! Removing what earlier keepers left when they were killed.
//!
//! Only clusters of this very state folder are looked at, and each only with its own locks held: so whatever is
//! removed has neither a user nor a keeper, and nobody can come in meanwhile.

use std::{collections::BTreeSet, io, time::Duration};

use super::Journal;
use crate::lease::{
    folder::{Folder, Home},
    key::Key,
    provisioner::Provisioner,
    state::{Found, Report, State},
};

/// For how long a folder without a cluster stays, where its owner is not known.
const UNKNOWN: Duration = Duration::from_secs(60);

/// Sweeps all of a state folder but one cluster. `idle` is for how long kept and reusable clusters stay.
pub(in crate::lease) async fn sweep(
    home: &Home,
    but: &Key,
    idle: Duration,
    provisioner: &dyn Provisioner,
    journal: &Journal,
) {
    let mut keys: BTreeSet<Key> = match provisioner.made_here().await {
        Ok(keys) => keys.into_iter().collect(),
        Err(error) => {
            journal.line(format_args!("sweep: {error}"));
            return;
        }
    };
    match home.folders() {
        Ok(folders) => keys.extend(folders.iter().map(|folder| folder.key().clone())),
        Err(error) => journal.line(format_args!("sweep: {error}")),
    }
    keys.remove(but);
    for key in keys {
        match sweep_one(&home.folder(&key), idle, provisioner).await {
            Ok(None) => {}
            Ok(Some(why)) => journal.line(format_args!("sweep: {} removed: {why}", key.cluster())),
            Err(error) => journal.line(format_args!("sweep: {}: {error}", key.cluster())),
        }
    }
    if let Err(error) = home.empty_trash() {
        journal.line(format_args!("sweep: {error}"));
    }
}

/// Removes one cluster and its folder, where nobody needs them. Says why.
async fn sweep_one(
    folder: &Folder,
    idle: Duration,
    provisioner: &dyn Provisioner,
) -> Result<Option<&'static str>, String> {
    let words = |error: io::Error| error.to_string();
    // A cluster without a folder gets one, so that its locks keep out who would make it anew meanwhile.
    folder.create().map_err(words)?;
    let users = folder.users().map_err(words)?;
    // First the users' lock: who has that takes a held keeper's lock for a living keeper.
    if !users.try_exclusive().map_err(words)? {
        return Ok(None);
    }
    let keeper = folder.keeper().map_err(words)?;
    if !keeper.try_exclusive().map_err(words)? || !users.is_current() || !keeper.is_current() {
        return Ok(None);
    }
    let touched = users.touched().map_err(words)?.elapsed().unwrap_or_default();
    let Some(why) = reason(folder, touched, idle).map_err(words)? else { return Ok(None) };
    provisioner.destroy(&folder.key().cluster()).await?;
    folder.remove().map_err(words)?;
    Ok(Some(why))
}

/// Why nobody needs a cluster that has neither a user nor a keeper; `None` where somebody may.
fn reason(folder: &Folder, touched: Duration, idle: Duration) -> io::Result<Option<&'static str>> {
    let owner = match folder.order()? {
        Found::This(order) => Some(order.owner),
        Found::Nothing | Found::Unusable(_) => None,
    };
    Ok(match (folder.report()?, owner) {
        (Found::This(report @ Report { state: State::Kept { .. } | State::Failed { .. }, .. }), _) => {
            (report.age() >= idle).then_some("it was kept for the idle limit")
        }
        (_, Some(Some(owner))) => (!owner.is_alive()).then_some("its run is over"),
        (Found::This(Report { state: State::Ready { .. }, .. }), Some(None)) => {
            (touched >= idle).then_some("nobody used it for the idle limit")
        }
        (_, Some(None)) => Some("its bring-up or removal was killed"),
        // A test is about to write its order; what never gets one goes with the next sweep.
        (_, None) => (touched >= UNKNOWN).then_some("nobody knows it"),
    })
}
