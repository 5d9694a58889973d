//! What a clone's nodes get that its source's did not have, and the wait until they are themselves again.
//!
//! A clone keeps its source's host names, node names, addresses and certificates: all of that lies in the snapshot, and no
//! other cluster sees it. Its own are the containers, the network, the API server's certificate and the administrator's.

use std::time::Duration;

use futures::future::try_join_all;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use k8s_openapi::jiff::Timestamp;
use kind_engine::NodeFile;
use kube::{Api, ResourceExt, api::ListParams};

use super::{
    Event, Origin, boot,
    context::{ADMINISTRATOR, Context},
    control_planes, join,
    origin::CLONE_KUBEADM_PATH,
    plan::PlannedNode,
    running::OnNodes,
    steps::{Failure, OnNode as _, StepError},
};
use crate::{
    cluster::{ClusterError, ClusterRecord, client_of},
    power,
    render::{kubeadm, kubeconfig},
    spec::{LOAD_BALANCER_PORT, Role},
    wait::{Check, until, words_of_api},
};

/// The files of one node, which its first start works with.
pub(super) fn files(context: &Context, node: &PlannedNode, origin: &Origin) -> Result<Vec<NodeFile>, Failure> {
    if node.role != Role::ControlPlane {
        return Ok(Vec::new());
    }
    let plan = &context.plan;
    let cluster = plan.cluster_text(&origin.kubernetes_version, &context.token);
    let text = node.text(control_planes::skipped(plan, node), join::skipped(node));
    let text = kubeadm(&cluster, &text).on(&node.container)?;
    let endpoint = plan.endpoint();
    let server = std::net::SocketAddr::new(endpoint, LOAD_BALANCER_PORT);
    let (context_name, name) = (plan.blueprint.name.context(), plan.server_name());
    let administrator =
        kubeconfig(&context_name, &format!("https://{server}"), name.as_deref(), &context.authority.administrator);
    Ok(vec![NodeFile::secret(CLONE_KUBEADM_PATH, text), NodeFile::secret(ADMINISTRATOR, administrator)])
}

/// Waits until every node's container runtime is up.
pub(super) async fn boot(context: &Context, on: OnNodes<'_>) -> Result<(), Failure> {
    let nodes = context.plan.nodes.iter();
    try_join_all(nodes.map(|node| on.each(&node.name, boot::runtime_is_up(context, node)))).await?;
    Ok(())
}

/// The pods without which a cluster is of no use, by namespace and label.
const ADD_ONS: [(&str, &str); 2] =
    [("kube-system", "k8s-app=kube-dns"), ("local-path-storage", "app=local-path-provisioner")];

/// Waits until DNS and storage run again: until their kubelets have said so, they look as well as their source's did.
pub(super) async fn add_ons(
    context: &Context,
    record: &ClusterRecord,
    step: &'static str,
    progress: &dyn super::Progress,
) -> Result<(), Failure> {
    let unusable = |error: ClusterError| StepError::Api(Box::new(error));
    let client = client_of(record, &context.engine).await.map_err(unusable)?;
    // The clock of the machine that the nodes are on, before any of them was started.
    let since = context.machine.time.parse::<Timestamp>().unwrap_or(Timestamp::UNIX_EPOCH);
    let again = until("DNS and storage again", Duration::MAX, async || {
        for (namespace, labels) in ADD_ONS {
            let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
            let waiting = match pods.list(&ListParams::default().labels(labels)).await {
                Err(error) => Some(words_of_api(&error)),
                Ok(list) => {
                    let old = list.items.iter().find(|pod| !runs_since(pod, since));
                    old.map(|pod| format!("pod {} has not started again", pod.name_any()))
                }
            };
            if let Some(status) = waiting {
                progress.event(Event::Waiting { step, status: status.clone() });
                return Check::not_yet(status);
            }
        }
        Check::Done(())
    });
    Ok(again.await?)
}

fn runs_since(pod: &Pod, since: Timestamp) -> bool {
    let Some(status) = &pod.status else { return false };
    let is_ready = status.conditions.iter().flatten().any(|one| one.type_ == "Ready" && one.status == "True");
    let started = |one: &ContainerStatus| one.state.as_ref()?.running.as_ref()?.started_at.as_ref().map(|time| time.0);
    is_ready && status.container_statuses.iter().flatten().all(|one| started(one).is_some_and(|time| time >= since))
}

/// Waits until every kubelet has given a sign of life and its node is Ready: what the API says of a clone at first is what
/// was true of its source.
pub(super) async fn wake(context: &Context, step: &'static str, progress: &dyn super::Progress) -> Result<(), Failure> {
    let tell = |status: &str| progress.event(Event::Waiting { step, status: status.to_owned() });
    // The step has a limit, which knows how many nodes there are.
    let well = power::well(&context.engine, &context.plan.blueprint.name, Duration::ZERO, Duration::MAX, tell);
    Ok(well.await.map_err(|error| StepError::Api(Box::new(error)))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_ready_before_the_clone_was_made_is_not_ready_yet() {
        let pod = |started: &str, ready: &str| -> Pod {
            serde_json::from_value(serde_json::json!({"status": {
                "conditions": [{"type": "Ready", "status": ready}],
                "containerStatuses": [{"name": "c", "image": "i", "imageID": "", "ready": true, "restartCount": 0,
                    "state": {"running": {"startedAt": started}}}],
            }}))
            .unwrap()
        };
        let since: Timestamp = "2026-01-02T03:04:05.6Z".parse().unwrap();
        for (started, ready, expected) in [
            ("2026-01-02T03:04:00Z", "True", false),
            ("2026-01-02T03:04:10Z", "True", true),
            ("2026-01-02T03:04:10Z", "False", false),
        ] {
            assert_eq!(runs_since(&pod(started, ready), since), expected, "{started} {ready}");
        }
        assert!(!runs_since(&Pod::default(), since));
    }
}
