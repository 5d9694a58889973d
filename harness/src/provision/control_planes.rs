//! Step: kubeadm makes every control plane, all at once.
//!
//! All of them have the same certificate authorities and know each other's addresses, so none waits for another: their
//! etcd members form the cluster together instead of being added one by one, which costs 5 s each and more (etcd's
//! `HealthInterval`). What only needs doing once (uploading the configuration, the token, the add-ons) the first one does.

use futures::future::try_join_all;
use kind_engine::Command;

use super::{context::Context, plan::PlannedNode, steps::Failure};
use crate::{render::KUBEADM_PATH, spec::KubeProxyMode};

/// What kubeadm need not do anywhere: its checks are about real machines; the kubelet's certificate lasts for a year, and
/// preparing its renewal costs a restart of every kubelet; nobody reads the join command.
const NEVER: [&str; 3] = ["preflight", "kubelet-finalize", "show-join-command"];

/// What the first control plane does for all.
const ONCE: [&str; 5] = ["upload-config", "upload-certs", "mark-control-plane", "bootstrap-token", "addon"];

pub(super) async fn start(context: &Context) -> Result<(), Failure> {
    let others = try_join_all(context.plan.others().map(|node| initialise(context, node, &ONCE)));
    let mut skipped = Vec::new();
    if context.plan.blueprint.spec.networking.kube_proxy_mode == KubeProxyMode::None {
        skipped.push("addon/kube-proxy");
    }
    futures::try_join!(initialise(context, context.plan.first(), &skipped), others)?;
    Ok(())
}

async fn initialise(context: &Context, node: &PlannedNode, skipped: &[&str]) -> Result<(), Failure> {
    let skip: Vec<&str> = NEVER.iter().chain(skipped).copied().collect();
    let argv = ["kubeadm", "init", "--config", KUBEADM_PATH, "--skip-token-print", "--skip-phases"];
    context.run(node, Command::new(argv.map(str::to_owned).into_iter().chain([skip.join(",")]))).await?;
    Ok(())
}
