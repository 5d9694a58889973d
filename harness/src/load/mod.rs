//! Bringing images into nodes without a registry: from the engine or from archive files, to all nodes or some.
//!
//! A node says what it has (`node`), an archive says what it holds (`archive`, `members`), and only layers that the node
//! lacks are sent (`shipment`). `bring` does it for several nodes at once. Nothing here pulls from anywhere.

mod archive;
mod bring;
mod error;
mod members;
mod names;
mod node;
mod shipment;

#[cfg(test)]
mod tests;

pub use bring::{Loaded, load_archive, load_images};
pub use error::LoadError;
