//! The workspace's own tool, called as `cargo xtask`: it sets a machine up, runs the demo and the tests, and keeps the
//! house rules. It is a thin layer: clusters are made by `kind-harness`, images by `kind-images`.
//!
//! Modules in reading order:

pub mod args;
pub mod app;
pub mod context;
pub mod tasks;
pub mod setup;
pub mod process;
pub mod tidy;
pub mod ui;
pub mod interrupt;
pub mod wait;
pub mod names;
pub mod settings;
pub mod workspace;
