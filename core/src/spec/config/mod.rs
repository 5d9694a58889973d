//! kind's v1alpha4 configuration text, read into a [`super::ClusterSpec`]. Nothing here reads files: that is
//! [`crate::config_file`]'s work.
//!
//! The text becomes a tree of values first; `document`, `networking` and `node` then read that tree field by field
//! through `reader`, which notes every mistake and goes on. `locate` finds lines and columns afterwards.

mod document;
mod error;
mod extension;
mod labels;
mod locate;
mod networking;
mod node;
mod patches;
mod path;
mod reader;
mod size;
mod values;

#[cfg(test)]
mod tests;

pub(crate) use error::nearest;
pub use error::{ConfigError, Mistake, Problem};
pub(crate) use labels::check as check_label;
pub use path::FieldPath;
