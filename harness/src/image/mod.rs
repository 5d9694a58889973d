//! Images from programs of this machine, with neither an engine nor a registry: the program, its loader and its libraries.
//!
//! What a program needs is found by `elf` and `libraries`, written by `archive`, and kept by `cache`. How an image comes into
//! nodes is in `kind_core`.

mod archive;
mod build;
mod cache;
mod elf;
mod error;
mod files;
mod folders;
mod libraries;
mod load;
mod recipe;
mod root;

#[cfg(test)]
mod tests;

pub use build::BuiltImage;
pub use error::ImageError;
pub use recipe::Image;
