//! A cluster of another shape, described in a file of kind's: here one node, with a label that pods ask for.

use k8s_openapi::api::core::v1::Pod;
use kind_harness::{Cluster, TestContext, TestNamespace, expect, kind_test};
use kube::{Api, Client};
use serde_json::json;

use crate::setup::load_images;

#[kind_test(config = "tests/one-node.yaml")]
async fn a_pod_goes_where_its_label_is(
    cluster: Cluster,
    context: TestContext,
    client: Client,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    let images = load_images(&cluster).await?;
    let [node] = &cluster.nodes()[..] else { panic!("the file asks for one node, here are {:?}", cluster.nodes()) };

    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "redis" },
        "spec": {
            "nodeSelector": { "disk": "fast" },
            "containers": [{ "name": "redis", "image": images.redis }],
        },
    });
    context.apply(pod).await?;

    let pods: Api<Pod> = Api::namespaced(client, &ns);
    let pod = expect(&pods, "redis").condition("Ready").await?;
    assert_eq!(pod.spec.and_then(|spec| spec.node_name).as_deref(), Some(node.name()));
    Ok(())
}
