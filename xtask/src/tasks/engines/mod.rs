//! `cargo xtask engines`: the harness on other engines than this machine's, each of a Debian release, in a root, a mount, a
//! process and a network namespace of its own. Only its socket leads there, so it is an engine elsewhere: published ports do
//! not lead here, and its files are others than this machine's.

mod confined;
mod kinds;
mod root;
mod run;
mod trial;

pub use run::engines;
