//! A node that is stopped and started again, as a machine is rebooted.

use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Pod;
use kind_harness::{
    Cluster, kind_test,
    wait::{self, Check},
};
use kube::{Api, Client, api::PostParams};
use serde_json::json;

use crate::small;

/// The kubelet is back in seconds, and pods that were there before it wait for each other. Emulated machines are slow.
const LIMIT: Duration = Duration::from_mins(6);

#[kind_test(cluster = small, access = "exclusive", timeout = "20m")]
async fn a_node_comes_back_with_its_pods(client: Client, cluster: Cluster) -> anyhow::Result<()> {
    let node = &cluster.nodes()[0];
    let images = node.exec(["crictl", "images", "--output", "json"]).await?;
    let image = pause(&images).context("the node has an image that does nothing")?;
    let pods: Api<Pod> = Api::default_namespaced(client);
    run(&pods, "before", &image, 0).await?;

    node.stop().await?;
    assert!(!node.is_running().await?);
    node.start().await?;

    // What ran before runs again, which only a living kubelet says; and so does what is new.
    ready(&pods, "before", 1).await?;
    run(&pods, "after", &image, 0).await
}

/// The image of pods' own processes, in crictl's list.
fn pause(images: &str) -> Option<String> {
    let images: serde_json::Value = serde_json::from_str(images).ok()?;
    let tags = images["images"].as_array()?.iter().filter_map(|image| image["repoTags"].as_array()).flatten();
    tags.filter_map(|tag| tag.as_str()).find(|tag| tag.contains("/pause:")).map(str::to_owned)
}

async fn run(pods: &Api<Pod>, name: &str, image: &str, restarts: i32) -> anyhow::Result<()> {
    let pod = serde_json::from_value(json!({
        "metadata": { "name": name },
        "spec": { "containers": [{ "name": "main", "image": image, "imagePullPolicy": "Never" }] },
    }))?;
    pods.create(&PostParams::default(), &pod).await?;
    ready(pods, name, restarts).await
}

/// Waits until the pod is Ready and was started again so often.
async fn ready(pods: &Api<Pod>, name: &str, restarts: i32) -> anyhow::Result<()> {
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
