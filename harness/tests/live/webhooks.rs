//! Webhooks that a test serves, called by three API servers.

use std::collections::BTreeMap;

use axum::{Json, Router, routing::post};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kind_harness::{TestContext, kind_test};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, PostParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

/// As they are deployed: with a Service, which nobody has here.
const DEPLOYED: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: { name: orders }
webhooks:
  - name: mark.orders.kind-rs.io
    clientConfig: { service: { namespace: orders, name: webhooks, path: /mark } }
    rules: [{ apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps] }]
    admissionReviewVersions: [v1]
    sideEffects: None
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: { name: orders }
webhooks:
  - name: check.orders.kind-rs.io
    clientConfig: { service: { namespace: orders, name: webhooks, path: /check } }
    rules: [{ apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps] }]
    admissionReviewVersions: [v1]
    sideEffects: None
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: orders.webhooks.kind-rs.io }
spec:
  group: webhooks.kind-rs.io
  names: { kind: Order, plural: orders }
  scope: Namespaced
  conversion:
    strategy: Webhook
    webhook:
      conversionReviewVersions: [v1]
      clientConfig: { service: { namespace: orders, name: webhooks, path: /convert } }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, x-kubernetes-preserve-unknown-fields: true } } } }
    - name: v2
      served: true
      storage: false
      schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, x-kubernetes-preserve-unknown-fields: true } } } }
";

fn admitted(review: &Value, response: Value) -> Json<Value> {
    let mut response = response;
    response["uid"] = review["request"]["uid"].clone();
    Json(json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response }))
}

/// Sets the label `marked` where there are labels.
async fn mark(Json(review): Json<Value>) -> Json<Value> {
    if review["request"]["object"]["metadata"]["labels"].is_null() {
        return admitted(&review, json!({ "allowed": true }));
    }
    let patch = json!([{ "op": "add", "path": "/metadata/labels/marked", "value": "yes" }]).to_string();
    admitted(&review, json!({ "allowed": true, "patchType": "JSONPatch", "patch": BASE64_STANDARD.encode(patch) }))
}

/// Refuses what has no label `marked`.
async fn check(Json(review): Json<Value>) -> Json<Value> {
    let allowed = review["request"]["object"]["metadata"]["labels"]["marked"] == "yes";
    admitted(&review, json!({ "allowed": allowed, "status": { "message": "it is not marked" } }))
}

/// Renames `spec.size` to `spec.amount`.
async fn convert(Json(review): Json<Value>) -> Json<Value> {
    let request = &review["request"];
    let converted = request["objects"].as_array().into_iter().flatten().map(|object| {
        let mut object = object.clone();
        object["apiVersion"] = request["desiredAPIVersion"].clone();
        object["spec"] = json!({ "amount": object["spec"]["size"] });
        object
    });
    let response = json!({
        "uid": request["uid"], "result": { "status": "Success" }, "convertedObjects": converted.collect::<Vec<_>>(),
    });
    Json(json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview", "response": response }))
}

fn map(name: &str, labels: &[(&str, &str)]) -> ConfigMap {
    let labels: BTreeMap<String, String> = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let labels = (!labels.is_empty()).then_some(labels);
    ConfigMap {
        metadata: ObjectMeta { name: Some(name.to_owned()), labels, ..ObjectMeta::default() },
        ..ConfigMap::default()
    }
}

#[kind_test]
async fn every_api_server_calls_the_test(context: TestContext, client: Client) -> anyhow::Result<()> {
    let router = Router::new().route("/mark", post(mark)).route("/check", post(check)).route("/convert", post(convert));
    let applied = context.serve_webhooks(router, DEPLOYED).await?;
    assert_eq!(applied.len(), 3);

    let ns = client.default_namespace().to_owned();
    let asked = PostParams { dry_run: true, ..PostParams::default() };
    let servers = context.cluster().control_planes();
    assert_eq!(servers.len(), 3);
    for server in servers {
        let maps: Api<ConfigMap> = Api::namespaced(server.client().await?, &ns);
        let refused = maps.create(&asked, &map("plain", &[])).await.unwrap_err().to_string();
        assert!(refused.contains("check.orders.kind-rs.io") && refused.contains("it is not marked"), "{refused}");
        let made = maps.create(&asked, &map("labelled", &[("a", "b")])).await?;
        assert_eq!(made.metadata.labels.unwrap_or_default()["marked"], "yes");

        // Others' namespaces are not asked about.
        let others: Api<ConfigMap> = Api::namespaced(server.client().await?, "default");
        others.create(&asked, &map("plain", &[])).await?;
    }

    let orders = |version: &str| -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("webhooks.kind-rs.io", version, "Order");
        Api::default_namespaced_with(client.clone(), &ApiResource::from_gvk_with_plural(&kind, "orders"))
    };
    let order = json!({
        "apiVersion": "webhooks.kind-rs.io/v1", "kind": "Order", "metadata": { "name": "first" }, "spec": { "size": 3 },
    });
    orders("v1").create(&PostParams::default(), &serde_json::from_value(order)?).await?;
    assert_eq!(orders("v2").get("first").await?.data["spec"], json!({ "amount": 3 }));
    Ok(())
}
