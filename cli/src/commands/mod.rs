//! The commands, one file each: read the arguments, call the harness, print.

pub(crate) mod build_node_image;
pub(crate) mod create_cluster;
pub(crate) mod delete_cluster;
pub(crate) mod delete_clusters;
pub(crate) mod get_clusters;
pub(crate) mod get_kubeconfig;
pub(crate) mod get_nodes;
pub(crate) mod version;
