//! What can be wrong with a kubeconfig file.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::user_file;

/// The user's kubeconfig could not be changed. It is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KubeconfigError {
    /// No rule names a file.
    #[error("find the kubeconfig: neither --kubeconfig nor KUBECONFIG nor HOME is set; set one of them")]
    NoFile,
    /// A file cannot be read or written.
    #[error("{action} the kubeconfig {}{advice}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What may help, where that is known.
        advice: String,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The lock beside a file cannot be had.
    #[error("open {}, the lock of the kubeconfig {}: it belongs to somebody else; where nobody uses it, `sudo rm {}` removes it", lock.display(), path.display(), lock.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// The lock.
        lock: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// What is named is no file that could be replaced.
    #[error("use the kubeconfig {}: it is {found}, expected a regular file; name another one (`kind-rs get kubeconfig` prints a cluster's)", path.display())]
    NotRegular {
        /// What is named.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The file is no text.
    #[error("read the kubeconfig {}: {problem}; repair it or move it away", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// What it is, and what was expected.
        problem: String,
    },
    /// The file is not YAML.
    #[error("read the kubeconfig {}: it is not YAML; repair it or move it away", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        #[source]
        source: serde_yaml::Error,
    },
    /// The file is YAML, but no kubeconfig.
    #[error("read the kubeconfig {}: {field} is {found}, expected {expected}; repair it or move it away", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The field.
        field: &'static str,
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// Other programs kept changing the file.
    #[error("write the kubeconfig {}: other programs keep changing it; try again", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
}

impl KubeconfigError {
    /// Something that did not work with a file, and what may help.
    pub(super) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        let advice = match source.kind() {
            io::ErrorKind::PermissionDenied => match user_file::left_by_root(path) {
                Some(left) => format!(", which `{}` gives back to this user", user_file::give_back(&left)),
                None => ": name a file of your own, with `--kubeconfig` or first in KUBECONFIG".to_owned(),
            },
            io::ErrorKind::ReadOnlyFilesystem => {
                ": name a file that can be changed, with `--kubeconfig` or first in KUBECONFIG".to_owned()
            }
            _ => String::new(),
        };
        Self::File { action, path: path.to_owned(), advice, source }
    }

    /// A lock that cannot be opened, because of what it is or because of the folder that it would be in.
    pub(super) fn lock(path: &Path, lock: PathBuf, source: io::Error) -> Self {
        if lock.symlink_metadata().is_err() {
            return Self::file("write beside", path, source);
        }
        Self::Lock { path: path.to_owned(), lock, source }
    }
}
