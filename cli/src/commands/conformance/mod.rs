//! `kind-rs conformance`: the specs of `kind_conformance`, which also runs them as tests, with a face for people.

mod choose;
mod list;
mod prepare;
mod run;
mod tally;
mod watch;

pub(crate) use choose::catalog;
pub(crate) use list::run as list;
pub(crate) use run::run;
