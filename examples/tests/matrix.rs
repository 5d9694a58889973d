//! `rstest` makes one test into many: a setting reaches the service from either kind of object, in either way.

use k8s_openapi::api::core::v1::Pod;
use kind_examples::kubernetes::Guestbook;
use kind_harness::{Cluster, TestContext, expect, kind_test};
use kube::Api;
use rstest::rstest;
use serde_json::{Value, json};

use crate::setup::load_images;

/// The object that holds the setting.
#[derive(Debug, Clone, Copy)]
enum Source {
    ConfigMap,
    Secret,
}

/// How the pod gets at it.
#[derive(Debug, Clone, Copy)]
enum By {
    Variable,
    File,
}

#[kind_test]
#[rstest]
async fn a_setting_arrives(
    cluster: Cluster,
    context: TestContext,
    #[values(Source::ConfigMap, Source::Secret)] source: Source,
    #[values(By::Variable, By::File)] by: By,
) -> anyhow::Result<()> {
    let images = load_images(&cluster).await?;
    let wanted = format!("from a {source:?}, as a {by:?}");
    context.apply([settings(source, &wanted), pod(source, by, &images.guestbook)]).await?;
    expect(&Api::<Pod>::default_namespaced(context.client().clone()), "guestbook").condition("Ready").await?;

    let guestbook = Guestbook::at(context.reach("pod/guestbook", 8080).await?)?;
    assert_eq!(guestbook.version().await?.version, wanted);
    Ok(())
}

fn settings(source: Source, version: &str) -> Value {
    let (kind, field) = match source {
        Source::ConfigMap => ("ConfigMap", "data"),
        Source::Secret => ("Secret", "stringData"),
    };
    json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": "settings" }, field: { "version": version } })
}

fn pod(source: Source, by: By, image: &str) -> Value {
    let key = json!({ "name": "settings", "key": "version" });
    let variable = match (by, source) {
        (By::Variable, Source::ConfigMap) => json!({ "name": "VERSION", "valueFrom": { "configMapKeyRef": key } }),
        (By::Variable, Source::Secret) => json!({ "name": "VERSION", "valueFrom": { "secretKeyRef": key } }),
        (By::File, _) => json!({ "name": "VERSION_FILE", "value": "/settings/version" }),
    };
    let volume = match source {
        Source::ConfigMap => json!({ "name": "settings", "configMap": { "name": "settings" } }),
        Source::Secret => json!({ "name": "settings", "secret": { "secretName": "settings" } }),
    };
    let (volumes, mounts) = match by {
        By::Variable => (json!([]), json!([])),
        By::File => (json!([volume]), json!([{ "name": "settings", "mountPath": "/settings" }])),
    };
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "guestbook" },
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{ "name": "guestbook", "image": image, "env": [variable], "volumeMounts": mounts }],
            "volumes": volumes,
        },
    })
}
