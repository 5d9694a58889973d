//! Why something could not be applied.

use std::{io, path::PathBuf};

use kind_core::{
    cluster::ClusterError,
    wait::{WaitError, words_of_api},
};

/// Objects could not be applied, or not taken away again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A file or folder cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A folder has nothing to apply.
    #[error("apply {}: found no file in it that ends with .yaml, .yml or .json; folders in it are not looked into", path.display())]
    EmptyFolder {
        /// Where.
        path: PathBuf,
    },
    /// Something is no object of Kubernetes.
    #[error("apply {place}: {problem}")]
    Object {
        /// Which file, document and object.
        place: String,
        /// What was found, and what was expected.
        problem: String,
    },
    /// The cluster does not know the kind.
    #[error("apply {place}: the cluster knows no kind {kind} of {api_version}; {known}")]
    UnknownKind {
        /// Which file, document and object.
        place: String,
        /// The `apiVersion`.
        api_version: String,
        /// The kind.
        kind: String,
        /// What it knows instead.
        known: String,
    },
    /// The API refused it.
    #[error("apply {place}: {}", words_of_api(answer))]
    Refused {
        /// Which file, document and object.
        place: String,
        /// What the API said.
        answer: Box<kube::Error>,
    },
    /// It was not taken within the limit.
    #[error("apply {place}")]
    Late {
        /// Which file, document and object.
        place: String,
        /// What was last seen.
        #[source]
        source: WaitError,
    },
    /// Not every API server serves the custom resources.
    #[error("apply custom resource definitions")]
    Served(#[source] WaitError),
    /// The cluster's API servers cannot be reached.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Something was not taken away.
    #[error("delete it: {}", words_of_api(.0))]
    Delete(Box<kube::Error>),
    /// Something does not go.
    #[error(transparent)]
    Stays(WaitError),
}
