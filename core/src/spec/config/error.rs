//! What is wrong with a configuration text: every mistake, with its place.

use std::{fmt, path::PathBuf};

use super::FieldPath;
use crate::spec::SpecError;

/// How many mistakes are printed; a file that is not a configuration at all would flood the terminal.
const MOST_PRINTED: usize = 20;

/// A configuration that cannot become a [`crate::spec::ClusterSpec`]. It displays one line for each mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where the text came from.
    pub origin: PathBuf,
    /// Every mistake, in the order of the text. Never empty.
    pub problems: Vec<Problem>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.origin.display();
        let count = self.problems.len();
        let noun = if count == 1 { "mistake" } else { "mistakes" };
        write!(f, "configuration {origin}: {count} {noun}")?;
        for problem in self.problems.iter().take(MOST_PRINTED) {
            write!(f, "\n  {origin}:")?;
            if let Some((line, column)) = problem.position {
                write!(f, "{line}:{column}:")?;
            }
            write!(f, " {problem}")?;
        }
        if count > MOST_PRINTED {
            write!(f, "\n  and {} more", count - MOST_PRINTED)?;
        }
        Ok(())
    }
}

/// One mistake and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line and column, counted from 1. `None` where the text has no such place, or after the first twenty mistakes.
    pub position: Option<(usize, usize)>,
    /// The field.
    pub path: FieldPath,
    /// What is wrong with it.
    pub mistake: Mistake,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_top() { write!(f, "{}", self.mistake) } else { write!(f, "{}: {}", self.path, self.mistake) }
    }
}

/// What can be wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mistake {
    /// The text is no YAML.
    #[error("not readable as YAML: {message}")]
    Syntax {
        /// The YAML parser's words.
        message: String,
    },
    /// Nobody reads such a field.
    #[error("unknown field{}; allowed here: {}", did_you_mean(suggestion.as_deref()), allowed.join(", "))]
    UnknownField {
        /// The fields that exist here.
        allowed: Vec<&'static str>,
        /// The one that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// A word that is none of those allowed.
    #[error("found {found}{}; allowed: {}", did_you_mean(suggestion.as_deref()), allowed.join(", "))]
    UnknownWord {
        /// What is there.
        found: String,
        /// The words allowed.
        allowed: Vec<&'static str>,
        /// The one that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// The wrong type, or a value out of range.
    #[error("found {found}, expected {expected}")]
    Wrong {
        /// What is there.
        found: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A field that has to be there is not.
    #[error("missing, expected {expected}")]
    Missing {
        /// What should be there.
        expected: &'static str,
    },
    /// A field that kind does not have.
    #[error("a field of {needed} only, which kind does not read; change `apiVersion` to use it")]
    Extension {
        /// The `apiVersion` that has it.
        needed: &'static str,
    },
    /// A text within the configuration is wrong.
    #[error("this patch cannot be used: {problem}")]
    Patch {
        /// What is wrong with it.
        problem: String,
    },
    /// Two fields ask for the same thing.
    #[error("{what} is taken by {other} already; choose another one")]
    Taken {
        /// What both ask for.
        what: String,
        /// Who had it first.
        other: FieldPath,
    },
    /// The whole cannot become a cluster.
    #[error(transparent)]
    Spec(#[from] SpecError),
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|word| format!(", did you mean `{word}`?")).unwrap_or_default()
}

/// The allowed word that is nearest to what was written, where one is near.
pub(crate) fn nearest<'a>(written: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let likeness = |word: &str| strsim::jaro_winkler(&written.to_lowercase(), &word.to_lowercase());
    allowed
        .iter()
        .map(|word| (likeness(word), *word))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, word)| word)
}
