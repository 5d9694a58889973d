//! Kubelets over a pause: those that took it for a failure of their node look again.
//!
//! A kubelet that goes on after half a minute or more may report on its node before it has asked the container runtime again, of
//! which it then has not heard for too long. It says that the node is not Ready, and looks again ten seconds later. One that is
//! started anew looks at once, and the pods do not notice.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Node;
use kind_engine::{Command, ContainerFacts, Engine};
use kube::{Api, Client, ResourceExt, api::ListParams};

use super::{PowerError, readiness};
use crate::{
    spec::{is_node, node_name_of},
    wait::Pace,
};

/// How often is looked: a report comes when its kubelet gets to it.
const EVERY: Duration = Duration::from_millis(250);

/// What a kubelet says that has not heard of the runtime, or of its pods, since the pause began.
const SILENCE: [&str; 2] = ["container runtime is down", "PLEG is not healthy"];

/// Starts those kubelets anew that call their node not Ready because of the pause, each once. Looks once more when `is_last` is
/// set, and ends. Where the API does not answer nothing is done.
pub(super) async fn look_again(
    engine: &dyn Engine,
    containers: &[ContainerFacts],
    client: &Client,
    is_last: &AtomicBool,
) -> Result<(), PowerError> {
    let nodes: Api<Node> = Api::all(client.clone());
    let of = |node: &Node| containers.iter().find(|one| is_node(&one.labels) && node_name_of(one) == node.name_any());
    let mut started = BTreeSet::new();
    let mut pace = Pace::new(EVERY);
    loop {
        pace.next().await;
        let is_last = is_last.load(Ordering::Relaxed);
        if let Ok(nodes) = nodes.list(&ListParams::default()).await {
            let deaf = nodes.items.iter().filter(|node| is_deaf(node)).filter_map(of);
            let new: Vec<_> = deaf.filter(|node| started.insert(node.id.clone())).collect();
            try_join_all(new.into_iter().map(|node| start_anew(engine, node))).await?;
        }
        if is_last {
            return Ok(());
        }
    }
}

async fn start_anew(engine: &dyn Engine, node: &ContainerFacts) -> Result<(), PowerError> {
    let asked = engine.exec(&node.id, &Command::new(["systemctl", "restart", "kubelet"])).await;
    let verb = "start the kubelet anew of";
    let output = asked.map_err(|source| PowerError::Container { verb, container: node.name.clone(), source })?;
    output.success().map(drop).map_err(PowerError::from)
}

fn is_deaf(node: &Node) -> bool {
    let Some(ready) = readiness(node) else { return false };
    let message = ready.message.as_deref().unwrap_or_default();
    ready.status != "True" && SILENCE.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_pause_did_is_a_reason() {
        let node = |status: &str, message: &str| -> Node {
            let condition = serde_json::json!({"type": "Ready", "status": status, "message": message});
            serde_json::from_value(serde_json::json!({"metadata": {}, "status": {"conditions": [condition]}})).unwrap()
        };
        assert!(is_deaf(&node("False", "container runtime is down")));
        assert!(is_deaf(&node("False", "PLEG is not healthy: pleg was last seen active 4m1s ago; threshold is 3m0s")));
        assert!(!is_deaf(&node("False", "container runtime network not ready: cni plugin not initialized")));
        assert!(!is_deaf(&node("True", "kubelet is posting ready status")));
        assert!(!is_deaf(&serde_json::from_value(serde_json::json!({"metadata": {}})).unwrap()));
    }
}
