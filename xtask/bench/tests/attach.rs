//! What `kind-bench attach` runs: tests that say when their body starts, and nothing else.

use std::time::{Duration, Instant, SystemTime};

use k8s_openapi::api::core::v1::ConfigMap;
use kind_harness::{
    Cluster, ClusterSpec, TestNamespace, kind_test,
    wait::{Check, until_every},
};
use kube::{Api, Client};

/// The smallest cluster.
fn small() -> ClusterSpec {
    ClusterSpec::single_node()
}

fn say_now() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later than 1970");
    println!("\nbody starts {}", now.as_nanos());
}

#[kind_test(cluster = small, access = "read")]
async fn without_namespace(cluster: Cluster) {
    drop(cluster);
    say_now();
}

#[kind_test(cluster = small)]
async fn with_namespace(cluster: Cluster, ns: TestNamespace) {
    drop((cluster, ns));
    say_now();
}

/// What each of many short tests does: one question to the API, and 10 ms in all.
async fn short(client: Client) {
    let start = Instant::now();
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    maps.list(&kube::api::ListParams::default()).await.expect("an answer");
    until_every(Duration::from_millis(1), "time", Duration::from_secs(5), async || {
        if start.elapsed() >= Duration::from_millis(10) { Check::Done(()) } else { Check::not_yet("it passes") }
    })
    .await
    .expect("10 ms");
}

#[kind_test(cluster = small)]
async fn short_with_namespace(client: Client, _ns: TestNamespace) {
    short(client).await;
}

#[kind_test(cluster = small, access = "read")]
async fn short_without_namespace(client: Client) {
    short(client).await;
}

/// As a test without a harness is written, with the cluster that `KUBECONFIG` names.
#[test]
fn short_ready_made() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        short(Client::try_default().await.expect("a client")).await;
    });
}
