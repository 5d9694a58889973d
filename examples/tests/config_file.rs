//! A cluster of another shape, described in a file of kind's: here one node, with a label that pods ask for.

use k8s_openapi::api::core::v1::Pod;
use kind_examples::{image::REDIS, kubernetes::LIMIT};
use kind_harness::{Cluster, TestNamespace, kind_test, wait};
use kube::{Api, Client, api::PostParams};
use serde_json::json;

use crate::setup::load_images;

#[kind_test(config = "tests/one-node.yaml")]
async fn a_pod_goes_where_its_label_is(cluster: Cluster, client: Client, ns: TestNamespace) -> anyhow::Result<()> {
    load_images(&cluster).await?;
    let [node] = &cluster.nodes()[..] else { panic!("the file asks for one node, here are {:?}", cluster.nodes()) };

    let pods: Api<Pod> = Api::namespaced(client.clone(), &ns);
    let pod = json!({
        "metadata": { "name": "redis" },
        "spec": {
            "nodeSelector": { "disk": "fast" },
            "containers": [{ "name": "redis", "image": REDIS }],
        },
    });
    pods.create(&PostParams::default(), &serde_json::from_value(pod)?).await?;

    let pod = wait::pod_running(&client, &ns, "redis", LIMIT).await?;
    assert_eq!(pod.spec.and_then(|spec| spec.node_name).as_deref(), Some(node.name()));
    Ok(())
}
