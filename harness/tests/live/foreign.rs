//! A node image that is laid out as `kindest/node` is: its images lie under /var/lib/containerd, its pod network is a daemon
//! from a template, and it cannot balance the load. It is made of an image of ours, once, and is an old image to
//! `kind-rs gc --images` afterwards.

use std::{thread, time::Duration};

use k8s_openapi::api::{apps::v1::DaemonSet, core::v1::Pod};
use kind_engine::{Command, ContainerSpec, DockerEngine, Engine, NodeFile};
use kind_harness::{Cluster, ClusterSpec, kind_test, settings::Settings};
use kind_images::{Release, labels, node_image_reference};
use kube::{Api, Client};

use crate::pods::{pause, ready, run};

const LAY_OUT: &str = include_str!("../fixtures/foreign-image/lay-out");
const NETWORK: &str = include_str!("../fixtures/foreign-image/default-cni.yaml");

/// Two control planes, so that there is a load balancer, a join, and a way from node to node.
fn foreign() -> ClusterSpec {
    let image = node_image_reference(Release::newest());
    let foreign = image.replace("kind-rs/node:", "kind-rs/node:foreign-");
    // The runtime of the test does not run yet, and this function cannot await.
    let made = thread::spawn({
        let foreign = foreign.clone();
        move || tokio::runtime::Runtime::new().expect("a runtime").block_on(make(&image, &foreign))
    });
    made.join().expect("the thread does not panic").expect("the foreign image is made");
    ClusterSpec::default().control_planes(2).workers(0).image(foreign)
}

/// Makes the image, where there is an engine with the one that it is made of: the harness says itself what is missing.
async fn make(image: &str, foreign: &str) -> anyhow::Result<()> {
    let settings = Settings::from_environment()?;
    let Ok(engine) = DockerEngine::connect(settings.docker_host.as_deref()).await else { return Ok(()) };
    if engine.image(foreign).await?.is_some() || engine.image(image).await?.is_none() {
        return Ok(());
    }
    let name = format!("kind-rs-foreign-image-{}", std::process::id());
    let spec = ContainerSpec {
        name: name.clone(),
        image: image.to_owned(),
        entrypoint: vec!["/bin/sleep".to_owned()],
        arguments: vec!["infinity".to_owned()],
        ..ContainerSpec::default()
    };
    engine.run_container(&spec).await?;
    let laid_out = async {
        let files = [
            NodeFile::executable("/foreign/lay-out", LAY_OUT),
            NodeFile::public("/foreign/default-cni.yaml", NETWORK.to_owned()),
        ];
        engine.write_files(&name, &files).await?;
        engine.exec(&name, &Command::new(["/foreign/lay-out"])).await?.success()?;
        let entrypoint = "ENTRYPOINT [\"/usr/local/bin/entrypoint\", \"/sbin/init\"]".to_owned();
        let changes = [entrypoint, "CMD []".to_owned(), format!("LABEL {}=", labels::FEATURES)];
        anyhow::Ok(engine.commit(&name, foreign, &changes).await?)
    };
    let laid_out = laid_out.await;
    engine.remove_container(&name).await?;
    laid_out
}

#[kind_test(cluster = foreign, access = "exclusive", timeout = "10m")]
async fn an_image_laid_out_as_kinds_makes_a_highly_available_cluster(
    client: Client,
    cluster: Cluster,
) -> anyhow::Result<()> {
    assert_eq!(cluster.control_planes().len(), 2);
    let networks: Api<DaemonSet> = Api::namespaced(client.clone(), "kube-system");
    let network = networks.get("foreign-network").await?.spec;
    let variables = network.template.spec.expect("pods").containers[0].env.clone().unwrap_or_default();
    assert_eq!(variables[0].value.as_deref(), Some("10.244.0.0/16"), "the template is filled in");

    let image = pause(&cluster.nodes()[0]).await?;
    let pods: Api<Pod> = Api::default_namespaced(client);
    run(&pods, "before", &image, 0).await?;
    let address = pods.get("before").await?.status.and_then(|status| status.pod_ip).unwrap_or_default();
    assert!(address.starts_with("10.244."), "{address}");

    // Such nodes do not give themselves their addresses when they start again.
    let node = &cluster.nodes()[1];
    node.stop().await?;
    node.start().await?;
    cluster.wait_ready(Duration::from_mins(5)).await?;
    ready(&pods, "before", 0).await?;
    run(&pods, "after", &image, 0).await
}
