//! What can go wrong when images are brought into nodes.

use std::{io, path::PathBuf};

use kind_engine::{CommandError, EngineError, ImageNameError};

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
    /// What was asked for is no name.
    #[error("load images")]
    Name {
        /// What is wrong with it.
        #[source]
        source: ImageNameError,
    },
    /// No pod could ask for it.
    #[error(
        "load image {image}: it has no name, so no pod could ask for it; give it one (`docker tag {image} NAME:TAG`) and load that"
    )]
    NoName {
        /// The image.
        image: String,
    },
    /// No pod could ask for what an archive holds.
    #[error(
        "load {}: no image in it has a name, so no pod could ask for one; name it where it is saved (`docker save NAME:TAG`, `skopeo copy … docker-archive:FILE:NAME:TAG`, buildx' `--output type=oci,name=NAME:TAG`)",
        path.display()
    )]
    NamelessArchive {
        /// The archive.
        path: PathBuf,
    },
    /// A node took an image, and its container runtime cannot use it.
    #[error("load image {image}: {node} has it, but its container runtime cannot use it: {last}")]
    Unusable {
        /// The image.
        image: String,
        /// The node.
        node: String,
        /// What the container runtime says.
        last: String,
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
