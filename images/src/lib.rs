//! The node image: what goes into it, in which versions, and how it is built on a machine without an image registry.
//!
//! Everything is built from Go modules and Debian packages, where no other [`Source`] is chosen; the engine is reached only through [`kind_engine::Engine`].
//! Nothing here knows of clusters: how nodes are started and joined is the harness's business, and the contract between
//! the two is the environment that `node/entrypoint` reads.
//!
//! Reading order: [`Release`] (the one version table), [`node_image_reference`] (which image a set of inputs makes),
//! [`build()`] (the steps in order).

mod apt;
mod archive;
mod base;
mod build;
mod cache;
mod command;
mod components;
pub mod conformance;
mod container;
mod digest;
mod embedded;
mod error;
pub mod features;
mod go;
pub mod machine;
mod materials;
mod named;
mod node;
mod options;
mod outdated;
mod payload;
mod pod_images;
mod progress;
mod reference;
mod settings;
mod source;
mod sums;
mod tools;
pub mod upstream;
mod versions;
mod workshop;

pub use apt::debian_mirrors;
pub use build::{build, build_base};
pub use embedded::containerd_configuration;
pub use error::{BuildError, UnsupportedVersion};
pub use named::{node_image, release_of};
pub use options::BuildOptions;
pub use outdated::{ImageUse, OldImage, old_images};
pub use progress::{Progress, Silent, Step};
pub use reference::{base_image_reference, labels, node_image_reference};
pub use source::{Checksum, Source, SourceError, SourceKind};
pub use sums::module_sums;
pub use versions::Release;
