//! What tests and keepers note of a run, and the page that is made of it. `docs/design/report.md` says why.
//!
//! `page` is a pure function of the records, `recording` keeps them and writes the pages. Nothing here fails a test.

mod page;
mod recording;

pub use page::{ClusterEvent, ClusterFacts, Ordered, Outcome, ShapeFacts, Subject};
pub use recording::{Chronicle, Recorder, RewriteError, rewrite, run_folder, run_reporter};
