//! A node that is stopped and started again, as a machine is rebooted.

use k8s_openapi::api::core::v1::Pod;
use kind_harness::{Cluster, kind_test};
use kube::{Api, Client};

use crate::{
    pods::{pause, ready, run_on},
    small,
};

#[kind_test(cluster = small, access = "exclusive", timeout = "20m")]
async fn a_node_comes_back_with_its_pods(client: Client, cluster: Cluster) -> anyhow::Result<()> {
    let node = &cluster.nodes()[0];
    let image = pause(node).await?;
    let pods: Api<Pod> = Api::default_namespaced(client);
    run_on(&pods, "before", &image, node).await?;
    ready(&pods, "before", 0).await?;

    node.stop().await?;
    assert!(!node.is_running().await?);
    node.start().await?;

    // What ran before runs again, which only a living kubelet says; and so does what is new.
    ready(&pods, "before", 1).await?;
    run_on(&pods, "after", &image, node).await?;
    ready(&pods, "after", 0).await
}
