//! What a test is given, and that it is what it says.

use std::process::ExitCode;

use k8s_openapi::api::core::v1::{Namespace, Node, Pod};
use kind_harness::{Cluster, LABEL_TEST, TestContext, TestNamespace, kind_test};
use kube::{
    Api, Client, Config,
    api::{ListParams, PostParams},
};
use serde_json::json;

use crate::small;

#[kind_test(cluster = small)]
async fn a_client_reaches_the_cluster(client: Client, cluster: &Cluster) -> kube::Result<()> {
    let nodes: Api<Node> = Api::all(client);
    let names: Vec<String> =
        nodes.list(&ListParams::default()).await?.into_iter().filter_map(|it| it.metadata.name).collect();
    let expected: Vec<String> = cluster.nodes().iter().map(|node| node.name().to_owned()).collect();
    assert_eq!(names, expected);
    Ok(())
}

#[kind_test(cluster = small)]
async fn everything_in_any_order(
    ns: &TestNamespace,
    context: TestContext,
    config: Config,
    client: &mut Client,
    cluster: Cluster,
) -> anyhow::Result<()> {
    assert_eq!(context.namespace(), Some(ns));
    assert_eq!(context.cluster().name(), cluster.name());
    assert_eq!(config.default_namespace, ns.name());
    assert_eq!(client.default_namespace(), ns.name());
    assert!(context.test_name().ends_with("injection::everything_in_any_order"), "{}", context.test_name());
    assert!(context.artifacts()?.is_dir());
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let labels = namespaces.get(ns).await?.metadata.labels.unwrap_or_default();
    assert_eq!(labels.get(LABEL_TEST).map(String::as_str), Some("live.injection.everything.in.any.order"));
    Ok(())
}

/// The service account that every pod needs is there from the beginning.
#[kind_test(cluster = small)]
async fn a_pod_is_accepted_at_once(client: Client) -> kube::Result<()> {
    let pods: Api<Pod> = Api::default_namespaced(client);
    let pod = serde_json::from_value(json!({
        "metadata": { "name": "first" },
        "spec": { "containers": [{ "name": "main", "image": "none.invalid/none", "imagePullPolicy": "Never" }] },
    }))
    .expect("a pod");
    pods.create(&PostParams::default(), &pod).await?;
    Ok(())
}

#[kind_test(control_planes = 1, workers = 0, access = "read")]
async fn a_reader_shares_the_same_shape(context: TestContext) -> ExitCode {
    assert_eq!(context.namespace(), None);
    assert_eq!(context.client().default_namespace(), "default");
    if context.cluster().nodes().len() == 1 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
