//! Network policies of a cluster whose network comes with the node image.

use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::{core::v1::Pod, networking::v1::NetworkPolicy};
use kind_harness::{
    TestContext, kind_test,
    wait::{self, Check},
};
use kube::{
    Api, Client,
    api::{DeleteParams, LogParams},
};
use serde_json::{Value, json};

use crate::busybox;

/// The first policy starts what enforces it, on every node.
const LIMIT: Duration = Duration::from_mins(2);

fn policy(name: &str, spec: &Value) -> Value {
    json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": { "name": name }, "spec": spec })
}

/// Waits until the pod's last attempts ended so.
async fn says(pods: &Api<Pod>, name: &str, word: &str) -> anyhow::Result<()> {
    let parameters = LogParams { tail_lines: Some(2), ..LogParams::default() };
    let said = wait::until(format!("pod {name} to say {word} twice"), LIMIT, async || {
        match pods.logs(name, &parameters).await {
            Ok(log) if log.lines().collect::<Vec<_>>() == [word, word] => Check::Done(()),
            Ok(log) => Check::not_yet(log),
            Err(error) => Check::not_yet(error),
        }
    });
    Ok(said.await?)
}

#[kind_test(control_planes = 1, workers = 1)]
async fn policies_are_enforced_once_there_is_one(context: TestContext, client: Client) -> anyhow::Result<()> {
    let nodes = context.cluster().nodes();
    let [first, second] = &nodes[..] else { anyhow::bail!("expected two nodes") };
    let Some(image) = busybox::image(first).await? else { return Ok(()) };
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let server = busybox::server(&context, &client, &image, first.name()).await?;
    let address = server.status.and_then(|status| status.pod_ip).context("a Ready pod has an address")?;
    // `wget` would want to look up names, which a static program cannot without the libraries for it.
    let ask = format!("echo | busybox nc -w 1 {address} 8080 > /dev/null 2>&1");
    let script = format!("while true; do if {ask}; then echo open; else echo closed; fi; busybox sleep 0.3; done");
    // On both nodes: policies are enforced where packets leave and where they arrive.
    for (name, node) in [("near", first), ("far", second)] {
        context.apply(busybox::pod(name, &image, node.name(), &script)).await?;
    }
    let both = async |near: &str, far: &str| {
        says(&pods, "near", near).await?;
        says(&pods, "far", far).await
    };
    both("open", "open").await?;

    let nothing = json!({ "podSelector": {}, "policyTypes": ["Ingress"] });
    context.apply(policy("nothing", &nothing)).await?;
    both("closed", "closed").await?;

    let from_far = json!({
        "podSelector": { "matchLabels": { "app": "server" } },
        "ingress": [{ "from": [{ "podSelector": { "matchLabels": { "app": "far" } } }] }],
    });
    context.apply(policy("from-far", &from_far)).await?;
    both("closed", "open").await?;

    let policies: Api<NetworkPolicy> = Api::default_namespaced(client);
    policies.delete("nothing", &DeleteParams::default()).await?;
    policies.delete("from-far", &DeleteParams::default()).await?;
    both("open", "open").await
}
