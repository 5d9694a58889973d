//! What can be wrong with a kubeconfig file.

use std::{io, path::PathBuf};

/// The user's kubeconfig could not be changed. It is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KubeconfigError {
    /// No rule names a file.
    #[error("find the kubeconfig: neither --kubeconfig nor KUBECONFIG nor HOME is set; set one of them")]
    NoFile,
    /// A file cannot be read, locked or written.
    #[error("{action} the kubeconfig {}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
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
