//! Definitions of webhooks, changed so that they lead to this process. No I/O.

use std::net::SocketAddr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::WebhookError;
use crate::apply::Item;

/// The webhook that each configuration gets, by which one sees that an API server knows the others.
pub(super) const READY: &str = "ready.io.kind-rs";
/// The label of what only that one is asked about.
pub(super) const LABEL_READY: &str = "io.kind-rs.webhooks";
/// Where it is; nobody else's path begins so.
pub(super) const READY_PATH: &str = "/io.kind-rs/ready";

/// What a cluster knows a server by.
pub(crate) struct Place<'a> {
    /// Its address as the API servers reach it.
    pub(crate) address: SocketAddr,
    /// Its authority, as PEM.
    pub(crate) authority: &'a str,
    /// The test's namespace.
    pub(crate) namespace: &'a str,
    /// Whether other tests use the cluster.
    pub(crate) is_shared: bool,
}

/// Lets every webhook of these objects lead to the place. Says how many configurations of admission there are, whose marks are
/// numbered.
///
/// Where other tests use the cluster, the configurations get names of the test's own, and ask about its namespace only.
pub(crate) fn rewrite(items: &mut [Item], place: &Place<'_>) -> Result<usize, WebhookError> {
    let (mut configurations, mut conversions) = (0, 0);
    for item in items.iter_mut() {
        if is_configuration(item) {
            if place.is_shared {
                item.rename(format!("{}.{}", item.name(), place.namespace));
            }
            configuration(item, place, configurations)?;
            configurations += 1;
        } else if item.is("apiextensions.k8s.io", "CustomResourceDefinition")
            && let Some(client) = item.object_mut().pointer_mut("/spec/conversion/webhook/clientConfig")
        {
            lead_to(client, place);
            conversions += 1;
        }
    }
    if configurations + conversions == 0 {
        let mut found: Vec<&str> = items.iter().map(Item::kind).collect();
        found.sort_unstable();
        found.dedup();
        return Err(WebhookError::Nothing { found: found.join(", ") });
    }
    Ok(configurations)
}

fn is_configuration(item: &Item) -> bool {
    ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]
        .iter()
        .any(|kind| item.is("admissionregistration.k8s.io", kind))
}

fn configuration(item: &mut Item, place: &Place<'_>, number: usize) -> Result<(), WebhookError> {
    let object = item.to_string();
    let refused = |problem: &str| WebhookError::Object { object: object.clone(), problem: problem.to_owned() };
    let Some(webhooks) = item.object_mut().get_mut("webhooks").and_then(Value::as_array_mut) else {
        return Err(refused("found no webhooks, expected a list of them"));
    };
    for webhook in webhooks.iter_mut() {
        let Some(fields) = webhook.as_object_mut() else { return Err(refused("found a webhook that is no object")) };
        lead_to(fields.entry("clientConfig").or_insert_with(|| json!({})), place);
        let others = fields.entry("objectSelector").or_insert_with(|| json!({}));
        require(others, &json!({ "key": LABEL_READY, "operator": "DoesNotExist" })).map_err(|found| refused(&found))?;
        if place.is_shared {
            let own = fields.entry("namespaceSelector").or_insert_with(|| json!({}));
            require(own, &in_namespace(place.namespace)).map_err(|found| refused(&found))?;
        }
    }
    webhooks.push(json!({
        "name": READY,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
        "timeoutSeconds": 5,
        "clientConfig": {
            "url": format!("https://{}{READY_PATH}", place.address),
            "caBundle": BASE64_STANDARD.encode(place.authority),
        },
        "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"] }],
        "namespaceSelector": { "matchExpressions": [in_namespace(place.namespace)] },
        "objectSelector": { "matchLabels": { LABEL_READY: number.to_string() } },
    }));
    Ok(())
}

fn in_namespace(name: &str) -> Value {
    json!({ "key": "kubernetes.io/metadata.name", "operator": "In", "values": [name] })
}

/// The same path at another place.
fn lead_to(client: &mut Value, place: &Place<'_>) {
    let service = client.pointer("/service/path").and_then(Value::as_str);
    let path = match (client.get("url").and_then(Value::as_str), service) {
        (Some(url), _) => url.parse::<http::Uri>().ok().and_then(|url| Some(url.path_and_query()?.to_string())),
        (None, path) => path.map(ToOwned::to_owned),
    };
    let path = path.unwrap_or_default();
    let path = path.trim_start_matches('/');
    *client = json!({
        "url": format!("https://{}/{path}", place.address),
        "caBundle": BASE64_STANDARD.encode(place.authority),
    });
}

/// Adds a requirement to a selector.
fn require(selector: &mut Value, requirement: &Value) -> Result<(), String> {
    if selector.is_null() {
        *selector = json!({});
    }
    let expressions = selector
        .as_object_mut()
        .map(|selector| selector.entry("matchExpressions").or_insert_with(|| json!([])))
        .map(|expressions| {
            if expressions.is_null() {
                *expressions = json!([]);
                expressions
            } else {
                expressions
            }
        });
    match expressions.and_then(Value::as_array_mut) {
        Some(expressions) => {
            expressions.push(requirement.clone());
            Ok(())
        }
        None => Err("found a selector that is none".to_owned()),
    }
}
