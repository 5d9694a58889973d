//! Test helpers that several crates share.

mod golden;

pub use golden::assert_golden;
