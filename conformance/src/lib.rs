//! Kubernetes' conformance suite, one test per spec, on highly available clusters of kind-harness; and any other ginkgo
//! suite in the same way ([`Suite`]).
//!
//! The specs of each version are a list that is compiled in ([`Catalog`]); listing tests asks neither a cluster nor an
//! engine. A spec runs in a process of upstream's own test program, its own or one that specs take turns on ([`Runner`]).
//! Reading order:

mod naming;
mod generate;
mod catalog;
mod durations;
mod suite;
mod names;
mod trial;
mod select;
mod schedule;
mod stop;
mod run;
mod invoke;
mod workers;
mod leftovers;
mod log;
mod report;
mod transcript;
mod results;
mod facts;
mod folder;
mod junit;
mod submission;
mod test_images;

pub use catalog::{Catalog, Spec};
pub use facts::{ClusterFacts, FactsError};
pub use folder::{Begin, Folder, FolderError, Subject};
pub use generate::{GenerateError, generate, generate_images};
pub use invoke::{Ended, Invocation, InvokeError, Ran, focus};
pub use junit::junit;
pub use names::{ListError, list};
pub use naming::{NamingError, Upstream, name_all};
pub use report::{Failure, Outcome, ReportError};
pub use results::Recorded;
pub use run::{Failed, Logs, RunError, Runner, Verdict};
pub use schedule::{GoOn, Run, Watch, capacity, in_order, run_all};
pub use select::Selection;
pub use stop::{Stop, Stopper};
pub use submission::{About, Completeness, submission_folder, submit};
pub use suite::Suite;
pub use test_images::TestImages;
pub use trial::main;
