//! Test helpers that several crates share.

mod audit;
mod golden;
mod processes;

pub use audit::Auditor;
pub use golden::assert_golden;
pub use processes::{children, keepers};
