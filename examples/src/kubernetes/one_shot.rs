//! Runs a program once in a pod, to look at the cluster from inside.

use anyhow::{Context as _, bail};
use k8s_openapi::api::core::v1::Pod;
use kind_harness::expect;
use kube::{
    Api, Client,
    api::{LogParams, PostParams},
};
use serde_json::json;

use crate::image::{GUESTBOOK_PROGRAM, GUESTBOOK_V1};

/// Runs `guestbook` with these arguments in a pod of that name, and returns what it printed.
///
/// # Errors
/// When the pod does not end in time, or ends with a failure; the error has what it printed.
pub async fn run_to_end(client: &Client, namespace: &str, name: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let command: Vec<&str> = [GUESTBOOK_PROGRAM].into_iter().chain(arguments.iter().copied()).collect();
    let pod = serde_json::from_value(json!({
        "metadata": { "name": name },
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "containers": [{ "name": "guestbook", "image": GUESTBOOK_V1, "command": command }],
        },
    }))?;
    pods.create(&PostParams::default(), &pod).await.with_context(|| format!("create pod {name}"))?;
    let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone()).unwrap_or_default();
    let pod = expect(&pods, name).to("to end", |pod| ["Succeeded", "Failed"].contains(&&*phase(pod))).await?;
    let printed =
        pods.logs(name, &LogParams::default()).await.with_context(|| format!("read the log of pod {name}"))?;
    if phase(&pod) == "Failed" {
        bail!("{} failed: {printed}", command.join(" "));
    }
    Ok(printed)
}
