//! A cluster on a node image that is laid out as `kindest/node` is.

use std::thread;

use k8s_openapi::api::{apps::v1::DaemonSet, core::v1::Pod};
use kind_engine::DockerEngine;
use kind_harness::{Cluster, ClusterSpec, Settings, kind_test};
use kube::{Api, Client};

use crate::{
    foreign_image,
    pods::{pause, ready, run_on},
    small,
};

/// Two control planes, so that there is a load balancer, a join, and a way from node to node.
fn foreign() -> ClusterSpec {
    // The runtime of the test does not run yet, and this function cannot await.
    let made = thread::spawn(|| tokio::runtime::Runtime::new().expect("a runtime").block_on(make()));
    match made.join().expect("the thread does not panic").expect("the foreign image is made") {
        Some(image) => ClusterSpec::default().control_planes(2).workers(0).image(image),
        // The harness says itself where there is no engine, and the test why it has nothing to do.
        None => small(),
    }
}

async fn make() -> anyhow::Result<Option<String>> {
    let settings = Settings::from_environment()?;
    let Ok(engine) = DockerEngine::find(&settings.engine).await else { return Ok(None) };
    foreign_image::make(&settings, &engine).await
}

#[kind_test(cluster = foreign, access = "exclusive", timeout = "7m")]
async fn an_image_laid_out_as_kinds_makes_a_highly_available_cluster(
    client: Client,
    cluster: Cluster,
) -> anyhow::Result<()> {
    let nodes = cluster.nodes();
    let [_, node] = nodes.as_slice() else {
        eprintln!("SKIPPED: this run's node image is not one of ours, or there is no base image to balance the load");
        return Ok(());
    };
    let networks: Api<DaemonSet> = Api::namespaced(client.clone(), "kube-system");
    let network = networks.get("foreign-network").await?.spec;
    let variables = network.template.spec.expect("pods").containers[0].env.clone().unwrap_or_default();
    assert_eq!(variables[0].value.as_deref(), Some("10.244.0.0/16"), "the template is filled in");

    let image = pause(node).await?;
    let pods: Api<Pod> = Api::default_namespaced(client);
    run_on(&pods, "before", &image, node).await?;
    ready(&pods, "before", 0).await?;
    let address = pods.get("before").await?.status.and_then(|status| status.pod_ip).unwrap_or_default();
    assert!(address.starts_with("10.244."), "{address}");

    // Such nodes do not give themselves their addresses when they start again.
    node.stop().await?;
    node.start().await?;
    ready(&pods, "before", 1).await?;
    run_on(&pods, "after", &image, node).await?;
    ready(&pods, "after", 0).await?;
    node.client().await?.apiserver_version().await?;
    Ok(())
}
