//! One replica becomes three, and all three answer.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use kind_examples::kubernetes::{Guestbook, LIMIT, deploy_guestbook, deploy_redis, rolled_out, scale};
use kind_harness::{
    Cluster, TestContext, TestNamespace, expect_all, kind_test,
    wait::{self, Check},
};
use kube::{Api, Client, ResourceExt};

use crate::setup::load_images;

#[kind_test]
async fn every_replica_answers(
    cluster: Cluster,
    context: TestContext,
    client: Client,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    let images = load_images(&cluster).await?;
    deploy_redis(&context, &images.redis).await?;
    deploy_guestbook(&context, &images.guestbook).await?;

    scale(&client, &ns, "guestbook", 3).await?;
    rolled_out(&context, "guestbook").await?;

    let pods: Api<Pod> = Api::namespaced(client.clone(), &ns);
    let replicas = expect_all(&pods, "app=guestbook").count(3).await?;
    let replicas: BTreeSet<String> = replicas.iter().map(ResourceExt::name_any).collect();

    let guestbook = Guestbook::by_api(client, &ns);
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
