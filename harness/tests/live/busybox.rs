//! Pods of the image that volumes are made with, busybox and nothing else: every node of ours has it.

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Pod;
use kind_harness::{Node, TestContext, expect};
use kube::{Api, Client};
use serde_json::{Value, json};

/// The image; `None`, and said, where the node image is none of ours.
pub(crate) async fn image(node: &Node) -> anyhow::Result<Option<String>> {
    let images = node.exec(["crictl", "images", "--output", "json"]).await?;
    let images: Value = serde_json::from_str(&images)?;
    let tags = images["images"].as_array().into_iter().flatten().filter_map(|image| image["repoTags"].as_array());
    let found = tags.flatten().filter_map(Value::as_str).find(|tag| tag.contains("/local-path-helper:"));
    if found.is_none() {
        eprintln!("SKIPPED: the node image is none of ours");
    }
    Ok(found.map(str::to_owned))
}

/// A pod that runs a script, with its name as a label.
pub(crate) fn pod(name: &str, image: &str, node: &str, script: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "labels": { "app": name } },
        "spec": {
            "nodeName": node,
            "terminationGracePeriodSeconds": 0,
            "containers": [{ "name": "main", "image": image, "imagePullPolicy": "Never", "command": ["/bin/sh", "-c", script] }],
        },
    })
}

/// Starts a pod that answers by HTTP at port 8080, and returns it once it does.
pub(crate) async fn server(context: &TestContext, client: &Client, image: &str, node: &str) -> anyhow::Result<Pod> {
    let script = "mkdir /web && echo hello > /web/index.html && exec busybox httpd -f -p 8080 -h /web";
    context.apply(pod("server", image, node, script)).await?;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    expect(&pods, "server").condition("Ready").await.context("the server")
}
