//! The nodes of the cluster are there to be looked at, their API servers answer one by one, and commands run on them.

use k8s_openapi::api::core::v1::Node;
use kind_harness::{Cluster, kind_test};
use kube::{Api, Client, ResourceExt, api::ListParams};

#[kind_test(control_planes = 3, workers = 1, access = "read")]
async fn the_cluster_has_the_nodes_that_were_asked_for(cluster: Cluster, client: Client) -> anyhow::Result<()> {
    assert_eq!(cluster.control_planes().len(), 3);
    assert_eq!(cluster.workers().len(), 1);

    let nodes: Api<Node> = Api::all(client);
    let registered = nodes.list(&ListParams::default()).await?;
    let mut registered: Vec<String> = registered.iter().map(ResourceExt::name_any).collect();
    let mut ours: Vec<String> = cluster.nodes().iter().map(|node| node.name().to_owned()).collect();
    registered.sort();
    ours.sort();
    assert_eq!(registered, ours, "each container is a node, under the same name");
    Ok(())
}

/// Each server's certificate carries its own node's name only, so an answer is that server's.
#[kind_test(control_planes = 3, workers = 1, access = "read")]
async fn every_api_server_can_be_asked_by_name(cluster: Cluster) -> anyhow::Result<()> {
    for node in cluster.control_planes() {
        let version = node.client().await?.apiserver_version().await?.git_version;
        assert_eq!(version, cluster.kubernetes_version(), "{}", node.name());
    }
    let refused = cluster.workers()[0].client().await.err().expect("a worker has no API server");
    assert!(refused.to_string().contains("is a worker"), "{refused}");
    Ok(())
}

#[kind_test(access = "read")]
async fn commands_run_on_a_node(cluster: Cluster, client: Client) -> anyhow::Result<()> {
    let server = client.apiserver_version().await?.git_version;
    for node in cluster.nodes() {
        let printed = node.exec(["kubelet", "--version"]).await?;
        assert_eq!(printed.trim_end(), format!("Kubernetes {server}"), "{}", node.name());
    }
    Ok(())
}
