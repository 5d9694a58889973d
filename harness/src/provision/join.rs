//! Step: every other node joins, all at once.

use futures::future::try_join_all;
use kind_engine::Command;

use super::{context::Context, plan::PlannedNode, steps::Failure};
use crate::render::KUBEADM_PATH;

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

pub(super) async fn nodes(context: &Context) -> Result<(), Failure> {
    let control_planes = context.plan.others().map(|node| join(context, node, &DONE));
    let workers = context.plan.workers().map(|node| join(context, node, &DONE[..1]));
    futures::try_join!(try_join_all(control_planes), try_join_all(workers))?;
    Ok(())
}

async fn join(context: &Context, node: &PlannedNode, done: &[&str]) -> Result<(), Failure> {
    let argv = ["kubeadm", "join", "--config", KUBEADM_PATH, "--skip-phases"].map(str::to_owned);
    context.run(node, Command::new(argv.into_iter().chain([done.join(",")]))).await?;
    Ok(())
}
