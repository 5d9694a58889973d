//! What a test prints while it waits for a cluster: what for and how long, and not too often.

use std::{
    io,
    time::{Duration, Instant, SystemTime},
};

use super::{Holder, key::Key, marks::Waiting};

/// A wait shorter than this is not worth a line.
const FIRST: Duration = Duration::from_secs(2);
/// The time between two lines.
const NEXT: Duration = Duration::from_secs(10);

/// The lines of one waiting test.
pub(super) struct Notice {
    about: String,
    start: Instant,
    next: Duration,
    /// For the list of who waits.
    mark: Option<Waiting>,
}

impl Notice {
    pub(super) fn new(holder: &Holder, key: &Key) -> Self {
        Self::about(format!("{}: cluster {}", holder.test, key.cluster()))
    }

    /// For a test and a cluster that has no key.
    pub(super) fn about(about: String) -> Self {
        Self { about, start: Instant::now(), next: FIRST, mark: None }
    }

    /// Says what is waited for, when it is time for a line. Returns whether it was.
    pub(super) fn waiting(&mut self, status: impl FnOnce() -> String) -> bool {
        let elapsed = self.start.elapsed();
        let is_time = elapsed >= self.next;
        if is_time {
            self.next = elapsed + NEXT;
            self.say(&format!("waiting, {} s: {}", elapsed.as_secs(), status()));
        }
        is_time
    }

    /// Puts the test on the list of who waits, with the time since when it does, where that is possible and not done yet.
    pub(super) fn list(&mut self, note: impl FnOnce(SystemTime) -> io::Result<Waiting>) {
        if self.mark.is_none() {
            // Who looks at the list misses a line.
            self.mark = note(SystemTime::now() - self.start.elapsed()).ok();
        }
    }

    /// Takes the test off the list, because the list is gone.
    pub(super) fn unlist(&mut self) {
        self.mark = None;
    }

    /// Says that the wait is over, where it was told of.
    pub(super) fn done(&mut self) {
        self.mark = None;
        if self.next > FIRST {
            self.say(&format!("ready after {:.1} s", self.start.elapsed().as_secs_f64()));
        }
    }

    /// Says something at once.
    pub(super) fn say(&self, text: &str) {
        eprintln!("kind: {}: {text}", self.about);
    }
}
