//! Measures what sharing a cluster costs: the wait for a lease, many short tests, and what is left after random kills.

mod bodies;
mod kills;
mod leases;
mod programs;
mod run;
mod runner;
mod spawn;
mod table;

pub(crate) use programs::Programs;
pub use run::run;
pub use runner::run as run_tests;
