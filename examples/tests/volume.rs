//! Data on a `PersistentVolumeClaim` outlives the pod that wrote it.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kind_examples::kubernetes::{Guestbook, LIMIT, deploy_guestbook, deploy_redis_with_volume};
use kind_harness::{
    Cluster, TestContext, TestNamespace, expect_all, kind_test,
    wait::{self, Check},
};
use kube::{Api, Client, ResourceExt, api::DeleteParams};

use crate::setup::load_images;

#[kind_test]
async fn data_survives_the_pod_that_wrote_it(
    cluster: Cluster,
    context: TestContext,
    client: Client,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    let images = load_images(&cluster).await?;
    deploy_redis_with_volume(&context, &images.redis).await?;
    deploy_guestbook(&context, &images.guestbook).await?;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), &ns);
    let claim = claims.get("redis").await?.spec.unwrap_or_default();
    assert_eq!(claim.storage_class_name.as_deref(), Some("standard"), "the claim asked for no class in particular");

    let guestbook = Guestbook::by_api(client.clone(), &ns);
    for entry in ["one", "two", "three"] {
        guestbook.add(entry).await?;
    }

    // Without a moment to write anything down.
    let pods: Api<Pod> = Api::namespaced(client, &ns);
    let killed = expect_all(&pods, "app=redis").count(1).await?.remove(0);
    pods.delete(&killed.name_any(), &DeleteParams::default().grace_period(0)).await?;
    let is_another = |pod: &Pod| pod.uid() != killed.uid() && is_ready(pod);
    expect_all(&pods, "app=redis").to("to be another pod", |pods| pods.iter().any(is_another)).await?;

    let kept = wait::until("the entries to be read again", LIMIT, async || match guestbook.entries().await {
        Err(error) => Check::not_yet(error),
        Ok(entries) => Check::Done(entries),
    });
    assert_eq!(kept.await?, ["one", "two", "three"]);
    Ok(())
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
