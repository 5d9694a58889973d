//! Standard output: results, and nothing else ever goes there.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::{args::Format, failure::Failure};

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

/// Prints a result as a document, or its names alone.
pub(crate) fn print_as(
    form: Format,
    result: &impl Serialize,
    names: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<(), Failure> {
    let failed = |error: String| Failure::Output(io::Error::other(error));
    match form {
        Format::Json => print(&serde_json::to_string_pretty(result).map_err(|error| failed(error.to_string()))?),
        Format::Yaml => print(&serde_yaml::to_string(result).map_err(|error| failed(error.to_string()))?),
        Format::Name => names.into_iter().try_for_each(|name| print(name.as_ref())),
    }
}
