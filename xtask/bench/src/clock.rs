//! Takes down how long each step of bring-up took.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kind_core::provision::{Event, Progress};

/// The times of one bring-up.
#[derive(Debug, Default)]
pub(crate) struct Clock(Mutex<BTreeMap<&'static str, Duration>>);

impl Clock {
    /// How long that step took, where it was reached.
    pub(crate) fn of(&self, step: &str) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(step).copied()
    }
}

impl Progress for Clock {
    fn event(&self, event: Event) {
        if let Event::Finished { step, elapsed } = event {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(step, elapsed);
        }
    }
}
