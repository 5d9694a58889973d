//! What this crate reads of the environment beside the harness' own settings.

use std::ffi::OsString;

/// The cargo that cargo's own programs are told to call.
#[expect(clippy::disallowed_methods, reason = "this is the settings module")]
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
