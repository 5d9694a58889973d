//! What a test prints while it waits for a cluster: what for and how long, and not too often.

use std::time::{Duration, Instant};

use super::{Holder, key::Key};

/// A wait shorter than this is not worth a line.
const FIRST: Duration = Duration::from_secs(2);
/// The time between two lines.
const NEXT: Duration = Duration::from_secs(10);

/// The lines of one waiting test.
pub(super) struct Notice {
    about: String,
    start: Instant,
    next: Duration,
}

impl Notice {
    pub(super) fn new(holder: &Holder, key: &Key) -> Self {
        Self::about(format!("{}: cluster {}", holder.test, key.cluster()))
    }

    /// For a test and a cluster that has no key.
    pub(super) fn about(about: String) -> Self {
        Self { about, start: Instant::now(), next: FIRST }
    }

    /// Says what is waited for, when it is time for a line.
    pub(super) fn waiting(&mut self, status: impl FnOnce() -> String) {
        let elapsed = self.start.elapsed();
        if elapsed >= self.next {
            self.next = elapsed + NEXT;
            self.say(&format!("waiting, {} s: {}", elapsed.as_secs(), status()));
        }
    }

    /// Says that the wait is over, where it was told of.
    pub(super) fn done(&self) {
        if self.next > FIRST {
            self.say(&format!("ready after {:.1} s", self.start.elapsed().as_secs_f64()));
        }
    }

    /// Says something at once.
    pub(super) fn say(&self, text: &str) {
        eprintln!("kind: {}: {text}", self.about);
    }
}
