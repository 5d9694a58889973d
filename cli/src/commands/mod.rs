//! The commands, one file each: read the arguments, call the harness, print.

pub(crate) mod build;
pub(crate) mod completion;
pub(crate) mod conformance;
pub(crate) mod create_cluster;
pub(crate) mod delete_cluster;
pub(crate) mod delete_clusters;
pub(crate) mod doctor;
mod dry_run;
pub(crate) mod export_kubeconfig;
pub(crate) mod export_logs;
pub(crate) mod gc;
pub(crate) mod get_clusters;
pub(crate) mod get_kubeconfig;
pub(crate) mod get_nodes;
pub(crate) mod kubectl;
mod load;
pub(crate) mod load_docker_image;
pub(crate) mod load_image_archive;
pub(crate) mod manual;
pub(crate) mod power;
pub(crate) mod ps;
pub(crate) mod report;
pub(crate) mod shell;
pub(crate) mod snapshot;
pub(crate) mod tunnel;
pub(crate) mod version;
