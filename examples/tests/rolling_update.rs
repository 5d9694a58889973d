//! A new version is rolled out while requests come in, and none of them fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kind_examples::kubernetes::{
    Guestbook, brief, client_without_retries, deploy_guestbook, deploy_redis, rolled_out, scale,
};
use kind_harness::{Cluster, TestContext, TestNamespace, expect_all, kind_test};
use kube::{
    Api, Config,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::setup::{self, load_images};

#[kind_test]
async fn an_update_loses_no_request(
    cluster: Cluster,
    context: TestContext,
    config: Config,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    let client = client_without_retries(config)?;
    let images = load_images(&cluster).await?;
    deploy_redis(&context, &images.redis).await?;
    deploy_guestbook(&context, &images.guestbook).await?;
    scale(&client, &ns, "guestbook", 3).await?;
    rolled_out(&context, "guestbook").await?;

    let guestbook = Guestbook::by_api(client.clone(), &ns);
    let updated = Arc::new(AtomicBool::new(false));
    let visitors = ["ada", "ben"].map(|name| tokio::spawn(visit(guestbook.clone(), name, Arc::clone(&updated))));

    let second = setup::guestbook("v2").load_into(&cluster).await?;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &ns);
    let containers = json!([{ "name": "guestbook", "image": second }]);
    let patch = json!({ "spec": { "template": { "spec": { "containers": containers } } } });
    deployments.patch("guestbook", &PatchParams::default(), &Patch::Strategic(&patch)).await?;
    rolled_out(&context, "guestbook").await?;
    // A rolled out Deployment still has pods of the old version that finish their last requests.
    expect_all(&Api::<Pod>::namespaced(client, &ns), "app=guestbook").count(3).await?;
    updated.store(true, Ordering::Relaxed);

    let mut written = Vec::new();
    for visitor in visitors {
        let visits = visitor.await?;
        assert_eq!(visits.failures, Vec::<String>::new(), "requests failed during the update");
        assert_eq!(visits.versions.first().map(String::as_str), Some("v1"), "the visits began before the update");
        assert_eq!(visits.versions.last().map(String::as_str), Some("v2"), "and ended after it");
        println!("{} requests, no failure", 2 * visits.versions.len());
        written.extend(visits.entries);
    }
    let mut kept = guestbook.entries().await?;
    kept.sort();
    written.sort();
    assert_eq!(kept, written, "every entry that was acknowledged is there, once");
    for _ in 0..20 {
        assert_eq!(guestbook.version().await?.version, "v2");
    }
    Ok(())
}

/// What one visitor saw, in order.
#[derive(Default)]
struct Visits {
    versions: Vec<String>,
    entries: Vec<String>,
    failures: Vec<String>,
}

/// Reads and writes, one request after the other, until told that the update is over.
async fn visit(guestbook: Guestbook, name: &str, updated: Arc<AtomicBool>) -> Visits {
    let mut visits = Visits::default();
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    while !updated.load(Ordering::Relaxed) {
        pace.tick().await;
        match guestbook.version().await {
            Ok(version) => visits.versions.push(version.version),
            Err(error) => visits.failures.push(format!("read: {}", brief(&error))),
        }
        let entry = format!("{name} was here, time {}", visits.entries.len());
        match guestbook.add(&entry).await {
            Ok(_) => visits.entries.push(entry),
            Err(error) => visits.failures.push(format!("write: {}", brief(&error))),
        }
    }
    visits
}
