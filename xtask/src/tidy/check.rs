//! All rules on all files.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::{documents, files::files, manifests, source};
use crate::workspace::Workspace;

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The file, relative to the workspace.
    pub file: PathBuf,
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What the rule says.
    pub rule: String,
}

impl Violation {
    pub(super) fn new(file: &Path, line: usize, rule: &str) -> Self {
        Self { file: file.to_owned(), line, rule: rule.to_owned() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.rule)
    }
}

/// The workspace is not tidy, or could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TidyError {
    /// Rules are broken.
    #[error("keep the house rules:{}", list(violations))]
    Untidy {
        /// All of them.
        violations: Vec<Violation>,
    },
    /// A file could not be read.
    #[error("read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

fn list(violations: &[Violation]) -> String {
    violations.iter().fold(String::new(), |text, violation| format!("{text}\n    {violation}"))
}

/// Checks the workspace.
///
/// # Errors
/// When a rule is broken or a file cannot be read.
pub fn check(workspace: &Workspace) -> Result<(), TidyError> {
    let violations = violations(workspace.root())?;
    if violations.is_empty() { Ok(()) } else { Err(TidyError::Untidy { violations }) }
}

/// Every broken rule below `root`.
///
/// # Errors
/// When a file cannot be read.
pub fn violations(root: &Path) -> Result<Vec<Violation>, TidyError> {
    let mut found = Vec::new();
    for (path, text) in read(root, "rs")? {
        found.extend(source::check(&path, &text));
    }
    for (path, text) in read(root, "toml")? {
        found.extend(manifests::check(&path, &text));
    }
    for (path, text) in read(root, "md")? {
        found.extend(documents::check(root, &path, &text));
    }
    Ok(found)
}

fn read(root: &Path, ending: &str) -> Result<Vec<(PathBuf, String)>, TidyError> {
    let failed = |path: PathBuf| move |source| TidyError::Read { path, source };
    let paths = files(root, ending).map_err(failed(root.to_owned()))?;
    let read = |path: PathBuf| {
        let text = fs::read_to_string(root.join(&path)).map_err(failed(path.clone()))?;
        Ok((path, text))
    };
    paths.into_iter().map(read).collect()
}
