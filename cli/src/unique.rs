//! Texts that no other run of the program has.

use std::{
    process,
    time::{SystemTime, UNIX_EPOCH},
};

/// A short text that no other run on this machine has.
pub(crate) fn unique() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    format!("{}-{now}", process::id())
}
