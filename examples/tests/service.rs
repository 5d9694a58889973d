//! A service with a database behind it, reached from inside the cluster by its DNS name and from the test through the API.

use kind_examples::kubernetes::{
    LIMIT, ServiceProxy, client_without_retries, deploy_guestbook, deploy_redis, run_to_end, scale,
};
use kind_harness::{
    Cluster, TestNamespace, kind_test,
    wait::{self, Check},
};
use kube::{Client, Config};

use crate::setup::load_images;

#[kind_test]
async fn entries_from_outside_are_seen_inside(
    cluster: Cluster,
    client: Client,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    load_images(&cluster).await?;
    deploy_redis(&client, &ns).await?;
    deploy_guestbook(&client, &ns).await?;

    // Test process -> load balancer -> API server -> pod -> Service of Redis -> Redis.
    let guestbook = ServiceProxy::guestbook(client.clone(), &ns);
    assert_eq!(guestbook.add("hello from outside").await?, 1);
    assert_eq!(guestbook.entries().await?, ["hello from outside"]);

    // Another pod -> DNS -> Service -> pod. The short name works inside the namespace, the long one everywhere.
    let long = format!("http://guestbook.{ns}.svc.cluster.local/entries");
    for (pod, url) in [("short-name", "http://guestbook/entries"), ("long-name", &long)] {
        let seen = run_to_end(&client, &ns, pod, &["fetch", url]).await?;
        assert_eq!(seen, r#"["hello from outside"]"#, "{url}");
    }
    Ok(())
}

#[kind_test]
async fn without_its_database_the_service_gets_no_requests(
    cluster: Cluster,
    config: Config,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    let client = client_without_retries(config)?;
    load_images(&cluster).await?;
    deploy_redis(&client, &ns).await?;
    deploy_guestbook(&client, &ns).await?;
    let guestbook = ServiceProxy::guestbook(client.clone(), &ns);
    guestbook.version().await?;

    scale(&client, &ns, "redis", 0).await?;

    // /version needs no Redis, so an answer would come, if the Service still had a ready pod to ask.
    wait::until("the Service to have no ready pod", LIMIT, async || match guestbook.version().await {
        Ok(version) => Check::not_yet(format!("{} still answers", version.instance)),
        Err(error) => Check::Done(error),
    })
    .await?;

    scale(&client, &ns, "redis", 1).await?;
    wait::deployment_available(&client, &ns, "guestbook", LIMIT).await?;
    // The Service learns of the ready pod a moment after the Deployment does.
    wait::until("the Service to answer again", LIMIT, async || match guestbook.version().await {
        Ok(_) => Check::Done(()),
        Err(error) => Check::not_yet(error),
    })
    .await?;
    Ok(())
}
