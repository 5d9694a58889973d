//! What a test prints while it waits for a cluster: what for and how long, and not too often.

use std::{
    io::{self, Write as _},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use super::{Holder, key::Key, marks::Waiting};

/// A wait shorter than this is not worth a line.
const FIRST: Duration = Duration::from_secs(2);
/// The time between two lines.
const NEXT: Duration = Duration::from_secs(10);

/// When this process last said something past libtest.
static ALOUD: Mutex<Option<Instant>> = Mutex::new(None);

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
            let text = format!("waiting, {} s: {}", elapsed.as_secs(), status());
            if is_turn(&mut ALOUD.lock().unwrap_or_else(PoisonError::into_inner), Instant::now()) {
                // Nobody may be listening.
                let _ = writeln!(io::stderr(), "kind: {}: {text}", self.about);
            } else {
                self.say(&text);
            }
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

/// Whether a line is for whoever watches. `cargo test` keeps what tests print until they fail, and an image may take minutes
/// to come: so one test of a process speaks past it, where all would say the same.
fn is_turn(last: &mut Option<Instant>, now: Instant) -> bool {
    let is_turn = last.is_none_or(|last| now.duration_since(last) >= NEXT);
    if is_turn {
        *last = Some(now);
    }
    is_turn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_tests_that_wait_one_is_heard() {
        let (start, mut last) = (Instant::now(), None);
        let heard = [0, 1, 9, 10, 12, 20].map(|second| is_turn(&mut last, start + Duration::from_secs(second)));
        assert_eq!(heard, [true, false, false, true, false, true]);
    }
}
