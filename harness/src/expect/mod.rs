//! What a test says should be: an object that gets some way within a limit, or that never does, and values compared with the
//! part of them that matters. By watches, so that nothing is missed between two looks.
//!
//! Waits of the harness itself, which need no history, are in `wait`.

mod changes;
mod describe;
mod error;
mod judge;
mod many;
mod one;
mod place;
mod subset;
mod watch;

#[cfg(test)]
mod tests;

pub use error::ExpectError;
pub(crate) use judge::Judged;
pub use many::{ExpectAll, expect_all};
pub use one::{Expect, RollsOut, expect};
#[doc(hidden)]
pub use subset::assert_subset;
