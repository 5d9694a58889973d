//! Objects into a cluster: read from values, text, files and folders, put into the order that Kubernetes needs, sent by
//! server-side apply, and what a test shares with others taken away again.
//!
//! When a test ends is known to `entry`; what API servers serve is looked at by `wait`.

mod error;
mod items;
mod kustomize;
mod order;
mod read;
mod resources;
mod send;
mod shared;

#[cfg(test)]
mod tests;

pub use error::ApplyError;
pub(crate) use items::{Item, from_value};
pub(crate) use kustomize::{folder as kustomization, render};
pub(crate) use read::from_path;
pub(crate) use send::Applier;
pub(crate) use shared::Shared;
