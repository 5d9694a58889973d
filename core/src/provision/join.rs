//! Step: every other node joins, all at once.

use futures::future::try_join_all;

use super::{context::Context, crashes, plan::PlannedNode, running::OnNodes, steps::Failure};
use crate::{render::KUBEADM_PATH, spec::Role};

/// What `kubeadm init` has done already on control planes beside the first; what is left is to join the cluster's
/// list of control planes.
const DONE: [&str; 7] = [
    "preflight",
    "control-plane-prepare",
    "check-etcd",
    "kubelet-start",
    "etcd-join",
    "kubelet-wait-bootstrap",
    "wait-control-plane",
];

pub(super) async fn nodes(context: &Context, on: OnNodes<'_>) -> Result<(), Failure> {
    let nodes = context.plan.others().chain(context.plan.workers());
    try_join_all(nodes.map(|node| on.each(&node.name, join(context, node)))).await?;
    Ok(())
}

async fn join(context: &Context, node: &PlannedNode) -> Result<(), Failure> {
    crashes::kubeadm(context, node, &["kubeadm", "join", "--config", KUBEADM_PATH]).await
}

/// The phases that `kubeadm join` leaves out on a node.
pub(super) fn skipped(node: &PlannedNode) -> Vec<&'static str> {
    if node.role == Role::Worker { vec![DONE[0]] } else { DONE.to_vec() }
}
