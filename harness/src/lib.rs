//! Real, highly available Kubernetes clusters for Rust tests.
//!
//! A cluster is described by a [`ClusterSpec`], brought up by [`provision::provision`], and held as a [`Cluster`].
//! The modules in reading order:

pub mod cluster;
pub mod config_file;
pub mod image;
pub mod inventory;
pub mod kubeconfig;
pub mod provision;
pub mod render;
pub mod spec;
pub mod wait;

pub use cluster::{Cluster, ClusterError, ClusterRecord, Node, NodeRecord};
pub use spec::{ClusterName, ClusterSpec, NodeName, Role};
