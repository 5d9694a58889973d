//! What a failed test left in its namespace: a few printed lines, and a folder with everything.
//!
//! Looking never changes how the test ended, takes a bounded time, and writes no secret's content.

mod bundle;
mod collect;
mod failure;
mod pod;
mod summary;

#[cfg(test)]
mod tests;

pub(crate) use failure::{Failed, failure};
