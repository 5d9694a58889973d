//! Step: containers become nodes: their address is there, containerd runs, and kubeadm has its file.

use std::time::Duration;

use futures::future::try_join_all;
use kind_engine::{Command, NodeFile};

use super::{
    context::Context,
    control_planes, join, limits,
    plan::PlannedNode,
    rootless,
    running::OnNodes,
    service_proxy,
    steps::{Failure, OnNode as _, StepError},
};
use crate::{
    render::{CONTAINERD_PATH, KUBEADM_PATH, containerd, kubeadm, kubelet_patches},
    wait::{Check, until_or},
};

/// Waits for every node and returns the Kubernetes version they carry.
pub(super) async fn wait(context: &Context, on: OnNodes<'_>) -> Result<String, Failure> {
    let nodes = &context.plan.nodes;
    try_join_all(nodes.iter().map(async |node| {
        let boot = async {
            runtime_is_up(context, node).await?;
            patch_containerd(context, node).await
        };
        on.each(&node.name, boot).await
    }))
    .await?;
    service_proxy::check_in_node(context).await?;
    let version = context.run(context.plan.first(), Command::new(["cat", "/kind/version"])).await?;
    let version = version.trim().to_owned();
    let cluster = context.plan.cluster_text(&version, &context.token);
    try_join_all(nodes.iter().map(async |node| {
        let mut text = node.text(control_planes::skipped(&context.plan, node), join::skipped(node));
        // Before the user's own, which win.
        let of_machine = limits::reserve(node, &context.machine).into_iter().chain(rootless::kubelet(&context.machine));
        text.patches.merge.splice(..0, of_machine);
        let mut files = kubelet_patches(&text);
        files.push(NodeFile::secret(KUBEADM_PATH, kubeadm(&cluster, &text).on(&node.name)?));
        context.write_files(&node.name, &files).await
    }))
    .await?;
    Ok(version)
}

/// Gives containerd the user's changes. Nothing runs in it yet, so a restart disturbs nobody.
async fn patch_containerd(context: &Context, node: &PlannedNode) -> Result<(), Failure> {
    let patches = &context.plan.blueprint.spec.containerd_patches;
    if patches.is_empty() {
        return Ok(());
    }
    let present = context.run(node, Command::new(["cat", CONTAINERD_PATH])).await?;
    let files = containerd(&present, patches).on(&node.name)?;
    context.write_files(&node.name, &files).await?;
    context.run(node, Command::new(["systemctl", "restart", "containerd.service"])).await?;
    Ok(())
}

pub(super) async fn runtime_is_up(context: &Context, node: &PlannedNode) -> Result<(), Failure> {
    // `start` of a unit that is starting returns when it has started, so this asks seldom more than once.
    let start = Command::new(["systemctl", "start", "containerd.service"]);
    let every = Duration::from_millis(50);
    let look = async || -> Result<Check<()>, Failure> {
        let output = context.exec(&node.name, &start).await?;
        if output.exit_code == 0 {
            return Ok(Check::Done(()));
        }
        if !context.is_running(&node.name).await? {
            return Err(StepError::from(kind_engine::CommandError::from(output))).on(&node.name);
        }
        Ok(Check::not_yet(String::from_utf8_lossy(&output.stderr).trim()))
    };
    // The step has a limit, which knows how many nodes boot at once.
    until_or(every, format!("containerd on {}", node.name), Duration::MAX, look).await?.on(&node.name)
}
