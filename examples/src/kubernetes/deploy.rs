//! Deploys the guestbook and its Redis from `manifests/`, waits until they are rolled out, and scales them.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kind_harness::{TestContext, expect};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use serde_json::json;

/// Seconds are enough on an idle machine; a test that runs into this on a busy one has failed too.
pub const LIMIT: Duration = Duration::from_mins(2);

/// Redis that keeps its data in memory, from that image.
///
/// # Errors
/// When the API refuses, or Redis is not available in time.
pub async fn deploy_redis(test: &TestContext, image: &str) -> anyhow::Result<()> {
    test.apply(with_image(include_str!("../../manifests/redis.yaml"), "redis", image)).await?;
    rolled_out(test, "redis").await
}

/// Redis that keeps its data on a volume.
///
/// # Errors
/// When the API refuses, or Redis is not available in time.
pub async fn deploy_redis_with_volume(test: &TestContext, image: &str) -> anyhow::Result<()> {
    test.apply(with_image(include_str!("../../manifests/redis-with-volume.yaml"), "redis", image)).await?;
    rolled_out(test, "redis").await
}

/// One replica of the guestbook, from that image; it becomes available once Redis is.
///
/// # Errors
/// When the API refuses, or the guestbook is not available in time.
pub async fn deploy_guestbook(test: &TestContext, image: &str) -> anyhow::Result<()> {
    test.apply(with_image(include_str!("../../manifests/guestbook.yaml"), "guestbook", image)).await?;
    rolled_out(test, "guestbook").await
}

/// The manifest with the image that it only names. Its tag is a digest, so that whoever changes it is rolled out anew.
fn with_image(manifest: &str, name: &str, image: &str) -> String {
    manifest.replace(&format!("image: {name}\n"), &format!("image: {image}\n"))
}

/// Waits until all replicas are of the newest version and available.
///
/// # Errors
/// When they are not in time.
pub async fn rolled_out(test: &TestContext, name: &str) -> anyhow::Result<()> {
    let deployments: Api<Deployment> = Api::default_namespaced(test.client().clone());
    expect(&deployments, name).rolled_out().await?;
    Ok(())
}

/// Asks for another number of replicas, without waiting for them.
///
/// # Errors
/// When the API refuses.
pub async fn scale(client: &Client, namespace: &str, deployment: &str, replicas: u32) -> anyhow::Result<()> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    deployments.patch_scale(deployment, &PatchParams::default(), &patch).await?;
    Ok(())
}
