//! Bringing images into nodes without a registry: from the engine or from archive files, to all nodes or some.
//!
//! A node says what it has (`node`), an archive says what it holds (`archive`, `docker`, `layout`, `members`), and only
//! layers that the node lacks are sent (`shipment`). `bring` does it for several nodes at once. Nothing here pulls from
//! anywhere.

mod archive;
mod bring;
mod docker;
mod error;
mod layout;
mod members;
mod names;
mod node;
mod shipment;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::samples;

pub(crate) use bring::check;
pub use bring::{Loaded, LoadedImage, load_archive, load_images, load_stream};
pub use error::LoadError;
