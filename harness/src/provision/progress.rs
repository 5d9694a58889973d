//! How bring-up tells what it is doing. Showing it is the caller's work.

use std::time::Duration;

/// Something that happened during bring-up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A step began.
    Started {
        /// The step's name, such as `join control planes`.
        step: &'static str,
    },
    /// A step waits for something and this is what it last saw.
    Waiting {
        /// The step's name.
        step: &'static str,
        /// What is not there yet.
        status: String,
    },
    /// A step ended well.
    Finished {
        /// The step's name.
        step: &'static str,
        /// How long it took.
        elapsed: Duration,
    },
    /// A step failed; the error comes back from the call.
    Failed {
        /// The step's name.
        step: &'static str,
        /// How long it took.
        elapsed: Duration,
    },
}

/// Who is told. Steps run in parallel, so their events interleave.
pub trait Progress: Send + Sync {
    /// Takes note of an event. Must not block.
    fn event(&self, event: Event);
}

/// Takes note of nothing.
impl Progress for () {
    fn event(&self, _: Event) {}
}
