//! Text that nodes and clients read, made from plain data by pure functions and compared with golden files.

mod kubeadm;
mod kubeconfig;
mod load_balancer;

pub use kubeadm::{ClusterText, DISCOVERY_PATH, KUBEADM_PATH, NodeText, discovery, kubeadm};
pub use kubeconfig::{Credentials, kubeconfig};
pub use load_balancer::{LOAD_BALANCER_FOLDER, load_balancer_files};
