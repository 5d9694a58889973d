//! The report of a run as a pure function: records of tests and clusters in, one page of HTML out.
//!
//! Nothing here touches a file or a clock; `recording` does. Reading order:

mod record;
mod model;
mod tries;
mod history;
mod html;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub(crate) use html::page;
pub(crate) use model::{Bundle, ClusterLines, Other, Records, Run, TestLines};
pub use record::{ClusterEvent, ClusterFacts, Ordered, Outcome, ShapeFacts, Subject};
pub(crate) use record::{FORMAT, Head, Line, Machine, TestEvent, read_lines};
