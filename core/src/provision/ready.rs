//! Step: what a cluster needs before a test may run on it: every node Ready, DNS and storage up, and what the
//! manifests define served.

use std::{sync::Arc, time::Duration};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kind_engine::Engine;
use kube::{Api, Client, api::ListParams};

use super::{
    Event, Progress,
    steps::{Failure, StepError},
};
use crate::{
    cluster::{ClusterError, ClusterRecord, api_servers, client_of, kubeconfig},
    spec::ClusterSpec,
    wait::{
        ApiServer, Check, look_at_definitions, look_at_nodes, look_at_registration, look_at_service, refusal, until,
        words_of_api,
    },
};

/// What has to be available besides the nodes: namespace and name of a Deployment.
const ADD_ONS: [(&str, &str); 2] = [("kube-system", "coredns"), ("local-path-storage", "local-path-provisioner")];

/// Waits in the way that clients here have to the API, and tells under the name of `step` what is missing.
pub(super) async fn wait(
    engine: &Arc<dyn Engine>,
    record: &ClusterRecord,
    spec: &ClusterSpec,
    limit: Duration,
    progress: &dyn Progress,
    step: &'static str,
) -> Result<(), Failure> {
    let unusable = |error: ClusterError| StepError::Api(Box::new(error));
    let client = client_of(record, engine).await.map_err(unusable)?;
    let kubeconfig = kubeconfig(record, async || Ok(Arc::clone(engine))).await.map_err(unusable)?;
    let servers = api_servers(record, &kubeconfig).await.map_err(unusable)?;
    let names = record.node_names();
    let tell = |status: &str| progress.event(Event::Waiting { step, status: status.to_owned() });
    let resources = if spec.manifests.is_empty() { "" } else { ", and custom resources" };
    until(format!("the nodes, DNS and storage{resources}"), limit, async || {
        let missing = missing(&client, &servers, spec, &names).await;
        if let Check::NotYet(status) = &missing {
            tell(status);
        }
        missing
    })
    .await?;
    Ok(())
}

async fn missing(client: &Client, servers: &[ApiServer], spec: &ClusterSpec, names: &[&str]) -> Check<()> {
    match look_at_cluster(client, spec, names).await {
        // What the user's manifests define is there for whoever comes next, whichever API server that one reaches.
        Check::Done(()) if !spec.manifests.is_empty() => look_at_resources(client, servers).await,
        looked => looked,
    }
}

/// The custom resources of definitions that were accepted: what no API server can serve is not waited for.
async fn look_at_resources(client: &Client, servers: &[ApiServer]) -> Check<()> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let mut all = match definitions.list(&ListParams::default()).await {
        Err(error) => return Check::not_yet(words_of_api(&error)),
        Ok(list) => list.items,
    };
    all.retain(|definition| refusal(definition).is_none());
    look_at_definitions(servers, &all).await
}

async fn look_at_cluster(client: &Client, spec: &ClusterSpec, names: &[&str]) -> Check<()> {
    // Without a pod network no node becomes Ready and no add-on runs: the user brings one, and waits for it.
    if spec.networking.disable_default_cni {
        return look_at_registration(client, names).await;
    }
    if let Check::NotYet(status) = look_at_nodes(client, names).await {
        return Check::NotYet(status);
    }
    for (namespace, name) in ADD_ONS {
        if let Check::NotYet(status) = look_at_service(client, namespace, name).await {
            return Check::NotYet(status);
        }
    }
    Check::Done(())
}
