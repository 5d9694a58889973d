//! Text that nodes and clients read, made from plain data by pure functions and compared with golden files.

mod addresses;
mod check;
mod containerd;
mod kubeadm;
mod kubeconfig;
mod kubelet;
mod load_balancer;
mod patches;
mod readers;
mod registry;

pub(crate) use addresses::address_file;
pub(crate) use check::{check_patches, remarks};
pub(crate) use containerd::parse as parse_toml;
pub use containerd::{CONTAINERD_PATH, containerd};
pub(crate) use kubeadm::kube_proxy_mode;
pub use kubeadm::{ClusterText, DISCOVERY_PATH, KUBEADM_PATH, NodeText, discovery, kubeadm};
pub use kubeconfig::{Credentials, kubeconfig};
pub use load_balancer::{LOAD_BALANCER_FOLDER, load_balancer_files};
pub use patches::{PATCHES_FOLDER, PatchError, kubelet_patches};
pub(crate) use registry::{
    REGISTRY_FOLDER, REGISTRY_PORT, REGISTRY_SETTINGS, mirror_hosts, registry_hosts, registry_notice, registry_settings,
};
