//! `rstest` makes one test into many: a setting reaches the service from either kind of object, in either way.

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kind_examples::{
    image::GUESTBOOK_V1,
    kubernetes::{LIMIT, Version},
};
use kind_harness::{Cluster, TestNamespace, kind_test, wait};
use kube::{Api, Client, api::PostParams};
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
    client: Client,
    ns: TestNamespace,
    #[values(Source::ConfigMap, Source::Secret)] source: Source,
    #[values(By::Variable, By::File)] by: By,
) -> anyhow::Result<()> {
    load_images(&cluster).await?;
    let wanted = format!("from a {source:?}, as a {by:?}");
    create_source(&client, &ns, source, &wanted).await?;

    let pods: Api<Pod> = Api::namespaced(client.clone(), &ns);
    pods.create(&PostParams::default(), &serde_json::from_value(pod(source, by))?).await?;
    wait::pod_running(&client, &ns, "guestbook", LIMIT).await?;

    let path = format!("/api/v1/namespaces/{ns}/pods/guestbook:8080/proxy/version");
    let answer: Version = client.request(http::Request::get(path).body(Vec::new())?).await?;
    assert_eq!(answer.version, wanted);
    Ok(())
}

async fn create_source(client: &Client, namespace: &str, source: Source, version: &str) -> anyhow::Result<()> {
    let metadata = json!({ "name": "settings" });
    let data = json!({ "version": version });
    match source {
        Source::ConfigMap => {
            let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
            let object = serde_json::from_value(json!({ "metadata": metadata, "data": data }))?;
            api.create(&PostParams::default(), &object).await?;
        }
        Source::Secret => {
            let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
            let object = serde_json::from_value(json!({ "metadata": metadata, "stringData": data }))?;
            api.create(&PostParams::default(), &object).await?;
        }
    }
    Ok(())
}

fn pod(source: Source, by: By) -> Value {
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
        "metadata": { "name": "guestbook" },
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{ "name": "guestbook", "image": GUESTBOOK_V1, "env": [variable], "volumeMounts": mounts }],
            "volumes": volumes,
        },
    })
}
