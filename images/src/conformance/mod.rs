//! What the conformance suite of a release needs beyond a node image: the suite itself, and a node image that also holds
//! the images that its specs use. The ordinary node image does not grow by it.

mod build;
mod busybox;
mod images;
mod node;
mod programs;
mod root_fs;

pub(crate) use build::results;
pub use build::{ConformanceSuite, build, expected, find};
pub use images::{Substitute, substitutes};
pub use node::image_reference;
pub(crate) use programs::programs;
