//! Data on a `PersistentVolumeClaim` outlives the pod that wrote it.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kind_examples::kubernetes::{LIMIT, ServiceProxy, deploy_guestbook, deploy_redis_with_volume};
use kind_harness::{
    Cluster, TestNamespace, kind_test,
    wait::{self, Check},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams},
};

use crate::setup::load_images;

#[kind_test]
async fn data_survives_the_pod_that_wrote_it(
    cluster: Cluster,
    client: Client,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    load_images(&cluster).await?;
    deploy_redis_with_volume(&client, &ns).await?;
    deploy_guestbook(&client, &ns).await?;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), &ns);
    let claim = claims.get("redis").await?.spec.unwrap_or_default();
    assert_eq!(claim.storage_class_name.as_deref(), Some("standard"), "the claim asked for no class in particular");

    let guestbook = ServiceProxy::guestbook(client.clone(), &ns);
    for entry in ["one", "two", "three"] {
        guestbook.add(entry).await?;
    }

    // Without a moment to write anything down.
    let pods: Api<Pod> = Api::namespaced(client, &ns);
    let redis = ListParams::default().labels("app=redis");
    let killed = pods.list(&redis).await?.items.remove(0);
    pods.delete(&killed.name_any(), &DeleteParams::default().grace_period(0)).await?;
    wait::until("another pod of Redis", LIMIT, async || match pods.list(&redis).await {
        Err(error) => Check::not_yet(error),
        Ok(list) if list.items.iter().any(|pod| pod.uid() != killed.uid() && is_ready(pod)) => Check::Done(()),
        Ok(list) => Check::not_yet(format!("{:?}", list.iter().map(ResourceExt::name_any).collect::<Vec<_>>())),
    })
    .await?;

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
