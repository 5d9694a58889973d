//! One replica becomes three, and all three answer.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use kind_examples::kubernetes::{LIMIT, ServiceProxy, deploy_guestbook, deploy_redis, scale};
use kind_harness::{
    Cluster, TestNamespace, kind_test,
    wait::{self, Check},
};
use kube::{Api, Client, ResourceExt, api::ListParams};

use crate::setup::load_images;

#[kind_test]
async fn every_replica_answers(cluster: Cluster, client: Client, ns: TestNamespace) -> anyhow::Result<()> {
    load_images(&cluster).await?;
    deploy_redis(&client, &ns).await?;
    deploy_guestbook(&client, &ns).await?;

    scale(&client, &ns, "guestbook", 3).await?;
    wait::deployment_available(&client, &ns, "guestbook", LIMIT).await?;

    let pods: Api<Pod> = Api::namespaced(client.clone(), &ns);
    let replicas = pods.list(&ListParams::default().labels("app=guestbook")).await?;
    let replicas: BTreeSet<String> = replicas.iter().map(ResourceExt::name_any).collect();
    assert_eq!(replicas.len(), 3);

    let guestbook = ServiceProxy::guestbook(client, &ns);
    let mut answered = BTreeSet::new();
    wait::until("an answer of every replica", LIMIT, async || {
        match guestbook.version().await {
            Ok(version) => answered.insert(version.instance),
            Err(error) => return Check::not_yet(error),
        };
        if answered == replicas { Check::Done(()) } else { Check::not_yet(format!("only {answered:?}")) }
    })
    .await?;
    Ok(())
}
