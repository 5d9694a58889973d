//! When a cluster of this state folder goes, as far as that can be said now.

use std::time::{Duration, SystemTime};

use super::Removal;
use crate::{
    fate::{Fate, UNKNOWN},
    folder::Folder,
    order::Order,
    state::State,
};

/// What is known of a cluster with a folder.
pub(super) struct Known<'a> {
    pub(super) folder: &'a Folder,
    pub(super) order: Option<&'a Order>,
    pub(super) state: Option<&'a State>,
    pub(super) has_keeper: bool,
    pub(super) in_use: bool,
}

pub(super) fn removal(known: &Known<'_>) -> Removal {
    let unused = known.folder.last_use().and_then(|last| SystemTime::now().duration_since(last).ok());
    let unused = unused.unwrap_or_default();
    if known.has_keeper || known.in_use {
        return match (known.state, known.order) {
            (Some(State::Deleting), _) => Removal::Now,
            (_, Some(Order { owner: None, idle, .. })) => {
                let left = idle.saturating_sub(unused).as_secs();
                Removal::Unused { limit: idle.as_secs(), in_seconds: (!known.in_use).then_some(left) }
            }
            _ => Removal::RunEnds,
        };
    }
    // A folder that goes at this moment cannot be read.
    match Fate::of(known.folder, unused, UNKNOWN).unwrap_or(Fate::Due("it is gone")) {
        Fate::Due(_) => Removal::NextSweep,
        Fate::Wanted => Removal::RunEnds,
        Fate::Spare { left, .. } => spare(known, left),
    }
}

fn spare(known: &Known<'_>, left: Duration) -> Removal {
    match (known.state, known.order) {
        (Some(State::Ready { .. } | State::Paused { .. }), Some(order)) => {
            Removal::Unused { limit: order.idle.as_secs(), in_seconds: Some(left.as_secs()) }
        }
        _ => Removal::Kept { in_seconds: left.as_secs() },
    }
}
