//! Benchmarks of the harness. `cargo xtask bench` builds and calls this program; nothing here judges a figure.

pub mod args;
pub mod attach;
pub mod conformance;
pub mod create;
pub mod pause;
pub mod share;
mod baseline;
mod clock;
mod figures;
mod programs;
mod ready;
mod readme;
mod report;
mod settings;
