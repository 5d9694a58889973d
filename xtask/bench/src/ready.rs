//! When a new cluster is of use, seen from outside and in the same way for every tool: all nodes Ready, every pod Ready.

use std::time::Duration;

use anyhow::Context;
use k8s_openapi::api::core::v1::Pod;
use kind_core::{
    cluster::{ClusterRecord, client_config},
    wait::{Check, nodes_ready, until, words_of_api},
};
use kube::{Api, Client, api::ListParams};

const LIMIT: Duration = Duration::from_secs(300);

/// A client of the cluster.
pub(crate) async fn client(record: &ClusterRecord) -> anyhow::Result<Client> {
    let config = client_config(&record.kubeconfig).await.context("read the cluster's kubeconfig")?;
    Client::try_from(config).context("make a client of the cluster")
}

/// Waits until all nodes are Ready.
pub(crate) async fn nodes(client: &Client, record: &ClusterRecord) -> anyhow::Result<()> {
    let names: Vec<&str> = record.nodes.iter().map(|node| node.name.as_str()).collect();
    Ok(nodes_ready(client, &names, LIMIT).await?)
}

/// Waits until there are pods and every one is Ready.
pub(crate) async fn pods(client: &Client) -> anyhow::Result<()> {
    let pods: Api<Pod> = Api::all(client.clone());
    let look = async || match pods.list(&ListParams::default()).await {
        Err(error) => Check::not_yet(words_of_api(&error)),
        Ok(list) => {
            let waiting: Vec<String> = list.items.iter().filter(|pod| !is_ready(pod)).map(name).collect();
            if waiting.is_empty() && !list.items.is_empty() {
                Check::Done(())
            } else {
                Check::not_yet(format!("{} pods; not Ready: {}", list.items.len(), waiting.join(", ")))
            }
        }
    };
    Ok(until("every pod Ready", LIMIT, look).await?)
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True"))
}

fn name(pod: &Pod) -> String {
    pod.metadata.name.clone().unwrap_or_default()
}
