//! Why something is not as it should be.

use std::fmt;

/// Something did not become as it should be, or became what it never should.
///
/// It says what was last seen and, in order, what changed until then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct ExpectError {
    /// What was expected, such as `deployments/web to be rolled out`.
    pub what: String,
    /// How it came otherwise.
    pub how: String,
    /// What was last seen.
    pub last: String,
    /// What changed, oldest first, each with when; a long list lacks its middle.
    pub changes: Vec<String>,
}

impl fmt::Display for ExpectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expect {}: {}; last seen: {}", self.what, self.how, self.last)?;
        if !self.changes.is_empty() {
            f.write_str("\n  what changed, in order:")?;
        }
        for change in &self.changes {
            write!(f, "\n    {change}")?;
        }
        Ok(())
    }
}
