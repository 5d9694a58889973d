//! How bring-up tells what it is doing. Showing it is the caller's work.

use std::time::Duration;

use crate::spec::NodeName;

/// Something that happened during bring-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A step began.
    Started {
        /// The step's name, such as `join control planes`.
        step: &'static str,
    },
    /// A step began its work on a node. A node that is not heard of again when the step fails was still under way.
    NodeStarted {
        /// The step's name.
        step: &'static str,
        /// The node, or the load balancer.
        node: NodeName,
    },
    /// A step's work on a node ended well.
    NodeFinished {
        /// The step's name.
        step: &'static str,
        /// The node, or the load balancer.
        node: NodeName,
        /// How long it took.
        elapsed: Duration,
    },
    /// A step's work on a node failed.
    NodeFailed {
        /// The step's name.
        step: &'static str,
        /// The node, or the load balancer.
        node: NodeName,
        /// How long it took.
        elapsed: Duration,
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
