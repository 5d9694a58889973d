//! Measures what a conformance spec costs as a test of its own: against what the suite itself measures, and against ginkgo's
//! own parallel mode on the same cluster.

mod ginkgo;
mod ours;
mod shared;
mod run;

pub use run::run;
