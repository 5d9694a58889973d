//! Marks between two effects on the world: whatever a process does, it may die there.
//!
//! In the test build a test can make it die at any of them, one after the other. In every other build this is nothing.

/// The process has just done this.
#[inline]
pub(super) fn step(done: &str) {
    #[cfg(test)]
    super::tests::death::passed(done);
    #[cfg(not(test))]
    let _ = done;
}
