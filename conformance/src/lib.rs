//! Kubernetes' conformance suite, one test per spec, on highly available clusters of kind-harness.
//!
//! The specs of each version are a list that is compiled in ([`Catalog`]); listing tests asks neither a cluster nor an
//! engine. A spec runs in a process of upstream's own test program ([`run()`]). Reading order:

mod naming;
mod generate;
mod catalog;
mod trial;
mod run;
mod invoke;
mod log;
mod report;
mod results;

pub use catalog::{Catalog, Spec};
pub use generate::{GenerateError, generate};
pub use invoke::{Invocation, InvokeError, Ran};
pub use naming::{NamingError, Upstream, name_all};
pub use report::{Failure, Outcome, ReportError};
pub use run::{RunError, Verdict, run};
pub use trial::main;
