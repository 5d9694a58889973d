//! A service with a database behind it, reached from inside the cluster by its DNS name and from the test by a port of its own.

use kind_examples::kubernetes::{
    Guestbook, LIMIT, client_without_retries, deploy_guestbook, deploy_redis, rolled_out, scale,
};
use kind_harness::{
    Cluster, TestContext, TestNamespace, kind_test,
    wait::{self, Check},
};
use kube::Config;

use crate::setup::load_images;

#[kind_test]
async fn entries_from_outside_are_seen_inside(
    cluster: Cluster,
    context: TestContext,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    let images = load_images(&cluster).await?;
    deploy_redis(&context, &images.redis).await?;
    deploy_guestbook(&context, &images.guestbook).await?;

    // Test process -> node -> Service -> pod -> Service of Redis -> Redis.
    let guestbook = Guestbook::at(context.reach("guestbook", "http").await?)?;
    assert_eq!(guestbook.add("hello from outside").await?, 1);
    assert_eq!(guestbook.entries().await?, ["hello from outside"]);

    // Another pod -> DNS -> Service -> pod. The short name works inside the namespace, the long one everywhere.
    let long = format!("http://guestbook.{ns}.svc.cluster.local/entries");
    for url in ["http://guestbook/entries", &long] {
        let seen = context.run(&images.guestbook, ["guestbook", "fetch", url]).await?.success()?;
        assert_eq!(seen, r#"["hello from outside"]"#, "{url}");
    }
    Ok(())
}

#[kind_test]
async fn without_its_database_the_service_gets_no_requests(
    cluster: Cluster,
    context: TestContext,
    config: Config,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    let client = client_without_retries(config)?;
    let images = load_images(&cluster).await?;
    deploy_redis(&context, &images.redis).await?;
    deploy_guestbook(&context, &images.guestbook).await?;
    let guestbook = Guestbook::by_api(client.clone(), &ns);
    guestbook.version().await?;

    scale(&client, &ns, "redis", 0).await?;

    // /version needs no Redis, so an answer would come, if the Service still had a ready pod to ask.
    wait::until("the Service to have no ready pod", LIMIT, async || match guestbook.version().await {
        Ok(version) => Check::not_yet(format!("{} still answers", version.instance)),
        Err(error) => Check::Done(error),
    })
    .await?;

    scale(&client, &ns, "redis", 1).await?;
    rolled_out(&context, "guestbook").await?;
    // The Service learns of the ready pod a moment after the Deployment does.
    wait::until("the Service to answer again", LIMIT, async || match guestbook.version().await {
        Ok(_) => Check::Done(()),
        Err(error) => Check::not_yet(error),
    })
    .await?;
    Ok(())
}
