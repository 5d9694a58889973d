//! `cargo xtask vm`: a check on another kind of host, one with version 2 of control groups, whose engine grants privileges,
//! and with the engine of a chosen Debian release. Most users' machines are like that; the ones that this is developed and
//! tested on need not be.
//!
//! The virtual machine has no network: everything that it needs is on its disks.

mod guest;
mod machine;
mod payload;
mod root;
mod rootless;
mod run;

pub use run::vm;
