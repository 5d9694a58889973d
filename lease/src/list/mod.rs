//! Every cluster that the state folder or the engine knows: what `kind-rs ps` shows. Read only.

mod gather;
mod removal;
mod view;
#[cfg(test)]
mod tests;

pub use gather::overview;
pub use view::{ClusterState, ClusterView, ContainerView, HolderView, Overview, Removal};
