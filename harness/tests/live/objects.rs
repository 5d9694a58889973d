//! Objects that a test applies, what it expects of them, and the ways to them.

use std::time::Duration;

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        batch::v1::Job,
        core::v1::{ConfigMap, Pod, Service},
        rbac::v1::ClusterRole,
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kind_harness::{Cluster, TestContext, assert_object, expect, expect_all, kind_test};
use kube::{Api, Client, ResourceExt as _, api::DeleteParams};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{pods::pause, small};

/// In the wrong order, and with a namespace of its own.
const GREETINGS: &str = "
apiVersion: objects.kind-rs.io/v1
kind: Greeting
metadata: { name: morning }
spec: { to: Ada }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, namespace: kind-rs-objects }
data: { volume: low }
---
apiVersion: v1
kind: Namespace
metadata: { name: kind-rs-objects }
---
apiVersion: v1
kind: List
items:
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: { name: kind-rs-objects }
    rules: [{ apiGroups: [objects.kind-rs.io], resources: [greetings], verbs: [get] }]
  - apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata: { name: greetings.objects.kind-rs.io }
    spec:
      group: objects.kind-rs.io
      names: { kind: Greeting, plural: greetings }
      scope: Namespaced
      versions:
        - name: v1
          served: true
          storage: true
          schema:
            openAPIV3Schema:
              type: object
              properties: { spec: { type: object, properties: { to: { type: string } } } }
";

#[kind_test(cluster = small)]
async fn what_is_applied_goes_with_the_test(context: TestContext, client: Client) -> anyhow::Result<()> {
    let roles: Api<ClusterRole> = Api::all(client.clone());
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let others: Api<ConfigMap> = Api::namespaced(client, "kind-rs-objects");
    let (left_roles, left_definitions, left) = (roles.clone(), definitions.clone(), others.clone());
    // What is announced first is done last.
    context.on_end("a look at what is left", async move || {
        anyhow::ensure!(left_roles.get_opt("kind-rs-objects").await?.is_none(), "the role is left");
        anyhow::ensure!(
            left_definitions.get_opt("greetings.objects.kind-rs.io").await?.is_none(),
            "the definition is left"
        );
        anyhow::ensure!(left.get_opt("settings").await?.is_none(), "the settings are left");
        Ok(())
    });

    let applied = context.apply(GREETINGS).await?;
    assert_eq!(applied[0].name_any(), "morning");
    assert_eq!(applied[0].namespace().as_deref(), context.namespace().map(|ns| &**ns));
    assert_object!(applied[1], { "data": { "volume": "low" }, "metadata": { "namespace": "kind-rs-objects" } });
    // Again, and as another one.
    context.apply(GREETINGS).await?;
    context.apply(GREETINGS.replace("low", "high")).await?;
    expect(&others, "settings").field("data.volume", "high").await?;
    Ok(())
}

#[kind_test(cluster = small)]
async fn what_is_refused_is_told_with_the_clusters_words(context: TestContext) -> anyhow::Result<()> {
    let said = async |objects: serde_json::Value| context.apply(objects).await.unwrap_err().to_string();
    let map = |metadata: serde_json::Value| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata });
    let text = said(map(json!({ "name": "x", "namespace": "kind-rs-nowhere" }))).await;
    assert_eq!(text, "apply ConfigMap kind-rs-nowhere/x: the API answered: namespaces \"kind-rs-nowhere\" not found");
    let text = said(json!({ "apiVersion": "apps/v1", "kind": "Deploymnt", "metadata": { "name": "x" } })).await;
    assert!(
        text.contains(
            "knows no kind Deploymnt of apps/v1; its kinds there are ControllerRevision, DaemonSet, Deployment"
        ),
        "{text}"
    );
    let text = said(json!({ "apiVersion": "nobody.example.org/v1", "kind": "Pod", "metadata": { "name": "x" } })).await;
    assert!(text.ends_with("it serves no API nobody.example.org/v1"), "{text}");
    let text = said(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x" }, "dta": {} })).await;
    assert!(text.contains("apply ConfigMap x: the API answered: ") && text.contains(".dta"), "{text}");
    let text = said(map(json!({ "name": "No_Name" }))).await;
    assert!(text.contains("apply ConfigMap No_Name: the API answered: ") && text.contains("Invalid value"), "{text}");
    Ok(())
}

fn deployment(image: &str, command: &[&str]) -> serde_json::Value {
    let container = json!({ "name": "main", "image": image, "imagePullPolicy": "Never", "command": command });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": {
            "progressDeadlineSeconds": 5,
            "selector": { "matchLabels": { "app": "web" } },
            "template": { "metadata": { "labels": { "app": "web" } }, "spec": {
                "terminationGracePeriodSeconds": 0, "containers": [container],
            } },
        },
    })
}

#[kind_test(cluster = small)]
async fn what_does_not_come_true_says_what_came(
    cluster: Cluster,
    context: TestContext,
    client: Client,
) -> anyhow::Result<()> {
    let image = pause(&cluster.nodes()[0]).await?;
    let (deployments, pods): (Api<Deployment>, Api<Pod>) =
        (Api::default_namespaced(client.clone()), Api::default_namespaced(client.clone()));
    context.apply(deployment("nobody.example.org/nothing:1", &["/pause"])).await?;
    let error = expect(&deployments, "web").rolled_out().await.unwrap_err();
    println!("{error}");
    assert_eq!(error.how, "it never will");
    assert!(error.last.contains("ProgressDeadlineExceeded"), "{error}");
    // This prints its version and ends, again and again. Without a probe, it counts as available meanwhile.
    context.apply(deployment(&image, &["/pause", "-v"])).await?;
    expect(&deployments, "web").rolled_out().await?;
    let pod = expect_all(&pods, "app=web").count(1).await?.remove(0).name_any();
    let is_restarted = |pod: &Pod| {
        pod.status.iter().flat_map(|it| it.container_statuses.iter().flatten()).any(|it| it.restart_count > 1)
    };
    let error =
        expect(&pods, &pod).never("to be restarted twice", is_restarted, Duration::from_secs(90)).await.unwrap_err();
    println!("{error}");
    expect(&pods, &pod).event("BackOff").await?;
    context.apply(deployment(&image, &["/pause"])).await?;
    expect(&deployments, "web").rolled_out().await?;
    expect(&pods, &pod).deleted().await?;
    let (pod, ready) = (expect_all(&pods, "app=web").condition("Ready").await?.remove(0), json!("True"));
    expect(&pods, &pod.name_any())
        .matches(json!({ "status": { "conditions": [{ "type": "Ready", "status": ready }] } }))
        .await?;

    let job = |command: serde_json::Value| {
        let container = json!({ "name": "main", "image": image, "imagePullPolicy": "Never", "command": command });
        let spec = json!({ "restartPolicy": "Never", "containers": [container] });
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "once" }, "spec": { "backoffLimit": 0, "template": { "spec": spec } } })
    };
    context.apply(job(json!(["/pause", "-v"]))).await?;
    let jobs: Api<Job> = Api::default_namespaced(client);
    expect(&jobs, "once").complete().await?;
    jobs.delete("once", &DeleteParams::foreground()).await?;
    expect(&jobs, "once").deleted().await?;
    context.apply(job(json!(["/nothing-here"]))).await?;
    let error = expect(&jobs, "once").complete().await.unwrap_err();
    assert!(error.last.contains("Failed=True"), "{error}");
    Ok(())
}

/// One that takes and gives nothing answers over TCP, which is all that is asked for here.
#[kind_test(cluster = small)]
async fn services_and_pods_answer_on_this_machine(context: TestContext, client: Client) -> anyhow::Result<()> {
    // The cluster's DNS answers over HTTP on another port.
    let ask = async |address| -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    let metrics = context.reach("kube-dns.kube-system", "metrics").await?;
    assert!(ask(metrics).await?.contains("coredns_build_info"));
    let pods: Api<Pod> = Api::namespaced(client.clone(), "kube-system");
    let before = expect_all(&pods, "k8s-app=kube-dns").condition("Ready").await?;
    for pod in &before {
        pods.delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await?;
    }
    // While others come up, connections may fail; then they are there again.
    let again = kind_harness::wait::until("the new pods to answer", Duration::from_mins(2), async || {
        match ask(metrics).await {
            Ok(answer) if answer.contains("coredns_build_info") => kind_harness::wait::Check::Done(()),
            Ok(answer) => kind_harness::wait::Check::not_yet(answer),
            Err(error) => kind_harness::wait::Check::not_yet(error),
        }
    });
    again.await?;

    let said = async |target: &str, port: u16| context.reach(target, port).await.unwrap_err().to_string();
    assert!(said("kube-dns", 53).await.ends_with("no Service at all in this namespace"));
    let text = said("kube-dns.kube-system", 54).await;
    assert!(text.ends_with("it has no TCP port 54; it has 53 (dns-tcp), 9153 (metrics)"), "{text}");
    context
        .apply(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": "empty" },
            "spec": { "selector": { "app": "nobody" }, "ports": [{ "port": 80 }] },
        }))
        .await?;
    let services: Api<Service> = Api::default_namespaced(client);
    expect(&services, "empty").exists().await?;
    let error = context.reach("empty", 80).await.unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(source.ends_with("nothing is behind it: no pod has the labels app=nobody"), "{error}: {source}");
    Ok(())
}

#[kind_test(cluster = small)]
async fn a_kustomization_is_rendered_by_a_node(context: TestContext, client: Client) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it has a folder"))?;
        std::fs::write(path, text)
    };
    write("base/kustomization.yaml", "resources: [settings.yaml]")?;
    write(
        "base/settings.yaml",
        "{ apiVersion: v1, kind: ConfigMap, metadata: { name: settings }, data: { volume: low } }",
    )?;
    let overlay = "resources: [../../base]
namePrefix: test-
configMapGenerator: [{ name: words, files: [greeting.txt], options: { disableNameSuffixHash: true } }]
patches: [{ target: { kind: ConfigMap, name: settings }, patch: '[{ \"op\": \"replace\", \"path\": \"/data/volume\", \"value\": \"high\" }]' }]";
    write("overlays/test/kustomization.yaml", overlay)?;
    write("overlays/test/greeting.txt", "hello")?;

    let applied = context.apply_files(folder.path().join("overlays/test")).await?;
    assert_eq!(applied.len(), 2);
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    assert_object!(maps.get("test-settings").await?, { "data": { "volume": "high" } });
    assert_object!(maps.get("test-words").await?, { "data": { "greeting.txt": "hello" } });

    write("overlays/test/kustomization.yaml", "resources: [../../base, absent.yaml]")?;
    let error = context.apply_files(folder.path().join("overlays/test")).await.unwrap_err().to_string();
    assert!(error.contains("kustomize says: ") && error.contains("/overlays/test/absent.yaml"), "{error}");
    Ok(())
}
