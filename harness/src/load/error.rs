//! What can go wrong when images are brought into nodes.

use std::{io, path::PathBuf};

use kind_engine::{CommandError, EngineError};

/// Images could not be brought into nodes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The engine does not have them.
    #[error("load images: the engine does not have {}; build or pull {} first", images.join(", "), if images.len() == 1 { "it" } else { "them" })]
    NoImage {
        /// The references.
        images: Vec<String>,
    },
    /// It does not run on these nodes.
    #[error("load image {image}: it is for {found}, the nodes are {expected}; build or pull it for that platform")]
    Platform {
        /// The image.
        image: String,
        /// What it is for.
        found: String,
        /// What the nodes are.
        expected: String,
    },
    /// A file is no archive of images.
    #[error("read image archive {}: {problem}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of this machine.
    #[error("{action} {}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// A node refused.
    #[error("load images into {node}")]
    Node {
        /// The node.
        node: String,
        /// Why.
        #[source]
        source: CommandError,
    },
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
