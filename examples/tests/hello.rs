//! The first test to read: what it needs comes as arguments, the package's own program becomes an image, and a pod runs it.

use kind_harness::{Cluster, TestContext, kind_test};

use crate::setup::guestbook;

#[kind_test]
async fn a_pod_runs_and_finds_the_api(cluster: Cluster, context: TestContext) -> anyhow::Result<()> {
    let image = guestbook("v1").load_into(&cluster).await?;

    let name = "kubernetes.default.svc.cluster.local";
    let address = context.run(&image, ["guestbook", "resolve", name]).await?.success()?;

    // The first address of the service range is always the API's own.
    assert_eq!(address, "10.96.0.1\n");
    Ok(())
}
