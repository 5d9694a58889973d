//! Standard output: results, and nothing else ever goes there.

use std::io::{ErrorKind, Write};

use crate::failure::Failure;

/// Prints a result; a line break at its end is added where it has none.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let ending = if text.ends_with('\n') { "" } else { "\n" };
    match write!(stdout, "{text}{ending}").and_then(|()| stdout.flush()) {
        // The reader has seen enough, as in `kind-rs get clusters | head -1`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map_err(Failure::Output),
    }
}
