//! Keeping records of a run, and writing its report from them.
//!
//! Tests and keepers append lines to files of their own; one detached process for each run, the reporter, turns them into
//! pages. `docs/design/report.md` says why. Nothing here fails a test. Reading order:

mod stream;
mod place;
mod facts;
mod recorder;
mod chronicle;
mod gather;
mod pages;
mod start;
mod reporter;
mod rewrite;
#[cfg(test)]
mod tests;

pub use chronicle::Chronicle;
pub use place::run_folder;
pub use recorder::Recorder;
pub use reporter::run_reporter;
pub use rewrite::{RewriteError, rewrite};
