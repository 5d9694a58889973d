//! Names inside the cluster: a headless Service resolves to all of its pods, and each pod of a `StatefulSet` has its own.

use std::collections::BTreeMap;

use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Pod};
use kind_harness::{Cluster, TestContext, TestNamespace, expect, expect_all, kind_test};
use kube::{Api, Client, ResourceExt as _};

use crate::setup::load_images;

#[kind_test]
async fn a_headless_service_names_every_pod(
    cluster: Cluster,
    context: TestContext,
    client: Client,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    let images = load_images(&cluster).await?;
    context.apply(peers(&images.redis)).await?;
    let stateful_sets: Api<StatefulSet> = Api::namespaced(client.clone(), &ns);
    expect(&stateful_sets, "peer").rolled_out().await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), &ns);
    let pods = expect_all(&pods, "app=peer").count(3).await?;
    let addresses: BTreeMap<String, String> = pods
        .iter()
        .map(|pod| (pod.name_any(), pod.status.as_ref().and_then(|status| status.pod_ip.clone()).unwrap_or_default()))
        .collect();

    let seen = context.run(&images.guestbook, ["guestbook", "resolve", "peers", "3"]).await?.success()?;
    let mut seen: Vec<&str> = seen.lines().collect();
    let mut wanted: Vec<&str> = addresses.values().map(String::as_str).collect();
    seen.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(seen, wanted);

    let name = format!("peer-1.peers.{ns}.svc.cluster.local");
    let seen = context.run(&images.guestbook, ["guestbook", "resolve", &name]).await?.success()?;
    assert_eq!(seen.trim_end(), addresses["peer-1"]);
    Ok(())
}

fn peers(redis: &str) -> String {
    format!(
        r#"
apiVersion: v1
kind: Service
metadata:
  name: peers
spec:
  clusterIP: None
  selector: {{ app: peer }}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: peer
spec:
  serviceName: peers
  replicas: 3
  podManagementPolicy: Parallel
  selector:
    matchLabels: {{ app: peer }}
  template:
    metadata:
      labels: {{ app: peer }}
    spec:
      containers:
        - name: redis
          image: {redis}
          args: ["--protected-mode", "no", "--save", ""]
"#
    )
}
