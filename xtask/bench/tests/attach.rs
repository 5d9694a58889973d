//! What `kind-bench attach` runs: tests that say when their body starts, and nothing else.

use std::time::{Duration, Instant, SystemTime};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kind_core::{
    cluster::Cluster,
    spec::ClusterSpec,
    wait::{Check, until_every},
};
use kind_harness::{TestNamespace, kind_test};
use kube::{
    Api, Client, ResourceExt as _,
    api::{DeleteParams, ListParams, ObjectMeta, PostParams},
};

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
    maps.list(&ListParams::default()).await.expect("an answer");
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
    runtime().block_on(async {
        short(Client::try_default().await.expect("a client")).await;
    });
}

/// The same with a namespace that the test makes and deletes by itself.
#[test]
fn short_ready_made_with_namespace() {
    runtime().block_on(async {
        let client = Client::try_default().await.expect("a client");
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let metadata = ObjectMeta { generate_name: Some("short-".to_owned()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        let made = namespaces.create(&PostParams::default(), &namespace).await.expect("a namespace");
        short(client).await;
        namespaces.delete(&made.name_any(), &DeleteParams::background()).await.expect("its deletion");
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
