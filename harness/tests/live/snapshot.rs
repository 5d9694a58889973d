//! A cluster kept as images, and a clone of it beside it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use kind_core::{
    inventory,
    provision::{Blueprint, Creation, Event, Progress, provision},
    snapshot,
    spec::{NetworkPools, Proxy},
};
use kind_engine::{Engine, Labels};
use kind_harness::{Cluster, ClusterName, TestNamespace, kind_test};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{ListParams, ObjectMeta, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};

struct Silent;

impl Progress for Silent {
    fn event(&self, _: Event) {}
}

fn map(name: &str) -> ConfigMap {
    let data = BTreeMap::from([("key".to_owned(), "value".to_owned())]);
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    ConfigMap { metadata, data: Some(data), ..ConfigMap::default() }
}

/// A client of a kubeconfig, asking another server where one is named.
async fn client(kubeconfig: &str, server: Option<&str>) -> anyhow::Result<Client> {
    let mut config =
        Config::from_custom_kubeconfig(Kubeconfig::from_yaml(kubeconfig)?, &KubeConfigOptions::default()).await?;
    if let Some(server) = server {
        config.cluster_url = server.parse()?;
    }
    Ok(Client::try_from(config)?)
}

/// Whoever means one cluster and reaches the other hears that it is not, before anything is said.
async fn is_refused(kubeconfig: &str, server: &str) -> anyhow::Result<()> {
    match client(kubeconfig, Some(server)).await?.apiserver_version().await {
        Ok(_) => anyhow::bail!("{server} answered somebody else's kubeconfig"),
        Err(error) => {
            let text = format!("{:#}", anyhow::Error::from(error));
            ensure!(text.contains("certificate") || text.contains("NotValidForName"), "{text}");
            Ok(())
        }
    }
}

#[kind_test(control_planes = 1, workers = 0, access = "exclusive")]
async fn a_clone_is_whole_and_nobody_elses(cluster: Cluster, ns: TestNamespace, own: Client) -> anyhow::Result<()> {
    let engine: Arc<dyn Engine> = Arc::clone(cluster.engine().await?);
    let maps: Api<ConfigMap> = Api::namespaced(own.clone(), &ns);
    maps.create(&PostParams::default(), &map("before")).await?;

    let name = ClusterName::new(format!("snap-{}", std::process::id()))?;
    snapshot::create(&engine, &name, &ClusterName::new(cluster.name())?, &|_| {}).await?;
    maps.create(&PostParams::default(), &map("after")).await.context("the source goes on")?;
    let taken = snapshot::create(&engine, &name, &ClusterName::new(cluster.name())?, &|_| {}).await.unwrap_err();
    assert!(matches!(taken, snapshot::SnapshotError::Taken { .. }), "{taken}");

    let found = snapshot::find(&*engine, &name).await?;
    let origin = snapshot::origin(&engine, &found).await?;
    let logs = tempfile::tempdir()?;
    let creation = Creation::new();
    let blueprint = Blueprint {
        name: name.clone(),
        creation: creation.clone(),
        spec: origin.spec().clone(),
        image: origin.first_image().context("a first image")?.clone(),
        origin: Some(origin),
        load_balancer_image: None,
        labels: Labels::new(),
        retain: false,
        deadline: None,
        wait: Some(Duration::from_secs(240)),
        pools: NetworkPools::default(),
        proxy: Proxy::default(),
        logs: logs.path().to_owned(),
    };
    let record = provision(Arc::clone(&engine), &blueprint, &Silent).await?;
    let looked = async {
        let clone = client(&record.kubeconfig, None).await?;
        let copies: Api<ConfigMap> = Api::namespaced(clone.clone(), &ns);
        let found: Vec<String> =
            copies.list(&ListParams::default()).await?.items.iter().map(ResourceExt::name_any).collect();
        ensure!(found.contains(&"before".to_owned()) && !found.contains(&"after".to_owned()), "{found:?}");
        copies.create(&PostParams::default(), &map("clones")).await?;
        ensure!(maps.get_opt("clones").await?.is_none(), "what is written to the clone is in its source");

        // The node is the same one to Kubernetes, and another one to the engine.
        let nodes: Api<Node> = Api::all(clone.clone());
        let node = nodes.list(&ListParams::default()).await?.items.first().map(ResourceExt::name_any);
        ensure!(node.as_deref() == Some(&*format!("{}-control-plane", cluster.name())), "{node:?}");
        let container = record.nodes.first().context("a node")?.container().to_string();
        ensure!(container == format!("{name}-control-plane"), "{container}");
        let pods: Api<Pod> = Api::namespaced(clone, "kube-system");
        ensure!(pods.list(&ListParams::default()).await?.items.len() > 4, "its own pods are there");

        is_refused(&record.kubeconfig, &cluster.record().server).await?;
        is_refused(&cluster.record().kubeconfig, &record.server).await
    };
    let looked = looked.await;
    creation.undo(&*engine, &name).await?;
    let images = snapshot::delete(&*engine, &name).await?;
    looked?;
    assert_eq!(images, 1);
    assert!(inventory::containers(&*engine, &name).await?.is_empty());
    let helpers = engine.containers(&Labels::new()).await?;
    assert!(!helpers.iter().any(|one| one.name.starts_with("kind-rs-snapshot-")), "{helpers:?}");
    Ok(())
}
