//! What a failed test left in its namespace: a few printed lines, and a folder with everything.
//!
//! Looking never changes how the test ended, takes bounded time and space, and neither prints nor writes secrets.

mod bundle;
mod collect;
mod failure;
mod lists;
mod logs;
mod machines;
mod pod;
mod summary;

#[cfg(test)]
mod tests;

pub(crate) use bundle::SUMMARY;
pub(crate) use failure::{Failed, LIMIT, Look, failure, unseen};
