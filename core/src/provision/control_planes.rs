//! Step: kubeadm makes every control plane, all at once.
//!
//! All of them have the same certificate authorities and know each other's addresses, so none waits for another: their
//! etcd members form the cluster together instead of being added one by one, which costs 5 s each and more (etcd's
//! `HealthInterval`). What only needs doing once (uploading the configuration, the token, the add-ons) the first one does.

use futures::future::try_join_all;

use super::{
    context::Context,
    crashes,
    plan::{Plan, PlannedNode},
    running::OnNodes,
    steps::Failure,
};
use crate::{render::KUBEADM_PATH, spec::KubeProxyMode};

/// What kubeadm need not do anywhere: its checks are about real machines; the kubelet's certificate lasts for a year, and
/// preparing its renewal costs a restart of every kubelet; nobody reads the join command.
const NEVER: [&str; 3] = ["preflight", "kubelet-finalize", "show-join-command"];

/// What the first control plane does for all.
const ONCE: [&str; 5] = ["upload-config", "upload-certs", "mark-control-plane", "bootstrap-token", "addon"];

pub(super) async fn start(context: &Context, on: OnNodes<'_>) -> Result<(), Failure> {
    let nodes = context.plan.control_planes();
    try_join_all(nodes.map(|node| on.each(&node.name, initialise(context, node)))).await?;
    Ok(())
}

async fn initialise(context: &Context, node: &PlannedNode) -> Result<(), Failure> {
    let argv = ["kubeadm", "init", "--config", KUBEADM_PATH, "--skip-token-print"];
    crashes::kubeadm(context, node, &argv).await
}

/// The phases that `kubeadm init` leaves out on a node. They stand in its file, where users' patches can add to them:
/// as arguments they would take the place of what users wrote.
pub(super) fn skipped(plan: &Plan, node: &PlannedNode) -> Vec<&'static str> {
    let mut skipped = NEVER.to_vec();
    if node.name != plan.first().name {
        skipped.extend(ONCE);
    } else if plan.blueprint.spec.networking.kube_proxy_mode == KubeProxyMode::None {
        skipped.push("addon/kube-proxy");
    }
    skipped
}
