//! Compiles the README's Rust code: an example that does not compile is worse than none.

/// The README, as a documentation test sees it.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
