//! The first test to read: a cluster, a client and a namespace come as arguments, and a pod runs.

use kind_examples::kubernetes::run_to_end;
use kind_harness::{Cluster, TestNamespace, kind_test};
use kube::Client;

use crate::setup::load_images;

#[kind_test]
async fn a_pod_runs_and_finds_the_api(cluster: Cluster, client: Client, ns: TestNamespace) -> anyhow::Result<()> {
    load_images(&cluster).await?;

    let name = "kubernetes.default.svc.cluster.local";
    let address = run_to_end(&client, &ns, "hello", &["resolve", name]).await?;

    // The first address of the service range is always the API's own.
    assert_eq!(address, "10.96.0.1\n");
    Ok(())
}
