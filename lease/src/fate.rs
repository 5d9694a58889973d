//! When a cluster that has neither a user nor a keeper goes, and why. Sweeping acts on it, listing shows it.

use std::{io, time::Duration};

use super::{
    folder::Folder,
    order::Order,
    state::{Found, Report, State},
};

/// For how long a folder without a usable order stays: a test may be about to write one.
pub(super) const UNKNOWN: Duration = Duration::from_secs(60);

/// What becomes of a cluster that has neither a user nor a keeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The next sweep removes it.
    Due(&'static str),
    /// It is spare: the first sweep after so long removes it.
    Spare { left: Duration, because: &'static str },
    /// Its run goes on, so a test may come for it.
    Wanted,
}

impl Fate {
    /// The fate of a folder's cluster that was last used so long ago. `unknown` is the time that a folder without a
    /// usable order gets.
    pub(super) fn of(folder: &Folder, unused: Duration, unknown: Duration) -> io::Result<Self> {
        let order = match folder.order()? {
            Found::This(order) => order,
            // A test is about to write its order; what never gets one goes.
            Found::Nothing | Found::Unusable(_) => {
                return Ok(Self::spare(unknown, unused, "a test may be about to use it", "nobody knows it"));
            }
        };
        let report = match folder.report()? {
            Found::This(report) => Some(report),
            Found::Nothing | Found::Unusable(_) => None,
        };
        Ok(Self::judge(report.as_ref(), &order, unused))
    }

    fn judge(report: Option<&Report>, order: &Order, unused: Duration) -> Self {
        match (report, &order.owner) {
            (Some(report @ Report { state: State::Kept { .. }, .. }), _) => {
                Self::spare(order.idle, report.age(), "it is kept for a look", "it was kept for its idle limit")
            }
            (Some(report @ Report { state: State::Failed { .. }, .. }), _) => Self::spare(
                order.idle,
                report.age(),
                "it tells why its bring-up failed",
                "its bring-up failed long ago",
            ),
            (_, Some(owner)) if owner.is_alive() => Self::Wanted,
            (_, Some(_)) => Self::Due("its run is over"),
            (Some(Report { state: State::Ready { .. } | State::Paused { .. }, .. }), None) => {
                Self::spare(order.idle, unused, "it is for the next run", "nobody used it for its idle limit")
            }
            (_, None) => Self::Due("its bring-up or removal was killed"),
        }
    }

    fn spare(limit: Duration, passed: Duration, because: &'static str, due: &'static str) -> Self {
        match limit.checked_sub(passed) {
            Some(left) if !left.is_zero() => Self::Spare { left, because },
            _ => Self::Due(due),
        }
    }
}
