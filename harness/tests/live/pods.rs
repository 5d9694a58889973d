//! Pods that do nothing, for tests of what runs them.

use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Pod;
use kind_harness::{
    Node,
    wait::{self, Check},
};
use kube::{Api, api::PostParams};
use serde_json::json;

/// A kubelet is back in seconds, and pods that were there before it wait for each other. Emulated machines are slow.
const LIMIT: Duration = Duration::from_mins(6);

/// The image of pods' own processes, which every node has.
pub(crate) async fn pause(node: &Node) -> anyhow::Result<String> {
    let images = node.exec(["crictl", "images", "--output", "json"]).await?;
    let images: serde_json::Value = serde_json::from_str(&images)?;
    let images = images["images"].as_array().context("crictl lists images")?;
    let tags = images.iter().filter_map(|image| image["repoTags"].as_array()).flatten();
    let pause = tags.filter_map(|tag| tag.as_str()).find(|tag| tag.contains("/pause:"));
    pause.map(str::to_owned).context("the node has an image that does nothing")
}

/// Runs a pod on that node.
pub(crate) async fn run_on(pods: &Api<Pod>, name: &str, image: &str, node: &Node) -> anyhow::Result<()> {
    let pod = serde_json::from_value(json!({
        "metadata": { "name": name },
        "spec": {
            "nodeName": node.name(),
            "containers": [{ "name": "main", "image": image, "imagePullPolicy": "Never" }],
        },
    }))?;
    pods.create(&PostParams::default(), &pod).await?;
    Ok(())
}

/// Waits until the pod is Ready and was started again so often.
pub(crate) async fn ready(pods: &Api<Pod>, name: &str, restarts: i32) -> anyhow::Result<()> {
    let there = wait::until(format!("pod {name} Ready after {restarts} restarts"), LIMIT, async || {
        let status = match pods.get(name).await {
            // The API server is started again as well.
            Err(error) => return Check::not_yet(format!("the API answered: {error}")),
            Ok(pod) => pod.status.unwrap_or_default(),
        };
        let is_ready = status.conditions.iter().flatten().any(|one| one.type_ == "Ready" && one.status == "True");
        let count: i32 = status.container_statuses.iter().flatten().map(|container| container.restart_count).sum();
        if is_ready && count >= restarts {
            Check::Done(())
        } else {
            Check::not_yet(format!("{}, {count} restarts", status.phase.unwrap_or_default()))
        }
    });
    Ok(there.await?)
}
