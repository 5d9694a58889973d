//! The examples that share one cluster: one file, one idea. Start with `hello`.

mod artifacts;
mod config_file;
mod controller;
mod dns;
mod hello;
mod matrix;
mod nodes;
mod rbac;
mod registry;
mod rolling_update;
mod scale;
mod service;
mod setup;
mod volume;
