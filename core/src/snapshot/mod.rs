//! Clusters kept as images, and found again: what clones are made of. Making the clone is `provision`'s work.
//!
//! A snapshot is one image of the engine for each node: what the node's container changed, and its `/var`, which is a volume,
//! as an archive that the node unpacks at its first start. Its layers lie on those of the node image and are shared by all
//! clones. It holds the cluster's private keys, so whoever has the image has the cluster.

mod create;
mod error;
mod list;
mod script;

pub use create::{create, make};
pub use error::SnapshotError;
pub use list::{Snapshot, delete, find, find_making, list, origin, remove};
