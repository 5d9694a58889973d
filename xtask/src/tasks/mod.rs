//! What the subcommands do, one file each, and what they share.

mod bench;
mod cargo;
mod clean;
mod conformance;
mod demo;
mod engines;
mod go_programs;
mod image;
mod leftovers;
mod nodes;
mod report;
mod setup;
mod test;
mod vm;

pub use bench::bench;
pub use clean::clean;
pub use conformance::conformance;
pub use demo::demo;
pub use engines::engines;
pub use image::{ImageChoice, ImageError};
pub use setup::setup;
pub use test::test;
pub use vm::vm;
