//! Deploys the guestbook and its Redis from `manifests/`, waits until they are available, and scales them.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kind_harness::wait;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::apply;

/// Seconds are enough on an idle machine; a test that runs into this on a busy one has failed too.
pub const LIMIT: Duration = Duration::from_mins(2);

/// Redis that keeps its data in memory.
///
/// # Errors
/// When the API refuses, or Redis is not available in time.
pub async fn deploy_redis(client: &Client, namespace: &str) -> anyhow::Result<()> {
    apply(client, namespace, include_str!("../../manifests/redis.yaml")).await?;
    wait::deployment_available(client, namespace, "redis", LIMIT).await?;
    Ok(())
}

/// Redis that keeps its data on a volume.
///
/// # Errors
/// When the API refuses, or Redis is not available in time.
pub async fn deploy_redis_with_volume(client: &Client, namespace: &str) -> anyhow::Result<()> {
    apply(client, namespace, include_str!("../../manifests/redis-with-volume.yaml")).await?;
    wait::deployment_available(client, namespace, "redis", LIMIT).await?;
    Ok(())
}

/// One replica of the guestbook's first version; it becomes available once Redis is.
///
/// # Errors
/// When the API refuses, or the guestbook is not available in time.
pub async fn deploy_guestbook(client: &Client, namespace: &str) -> anyhow::Result<()> {
    apply(client, namespace, include_str!("../../manifests/guestbook.yaml")).await?;
    wait::deployment_available(client, namespace, "guestbook", LIMIT).await?;
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
