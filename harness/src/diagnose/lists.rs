//! Lists of the API: page by page, up to a limit, until a deadline; and which kinds of objects a namespace can hold.

use futures::{StreamExt as _, stream};
use k8s_openapi::api::{
    apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
    batch::v1::Job,
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service},
};
use kind_core::causes::chain;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, ListParams},
    discovery::{Discovery, Scope, verbs},
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

/// How many lists are asked for at the same time.
const AT_ONCE: usize = 6;
/// How many objects of any kind without limits of its own are looked at.
const OBJECTS: Limits = Limits { page: 500, most: 500 };

/// How much of a list is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How many objects one answer holds.
    pub(super) page: u32,
    /// How many objects are looked at.
    pub(super) most: usize,
}

/// What a list gave, and what it did not.
pub(super) struct Listed<K> {
    items: Vec<K>,
    missing: Option<String>,
}

impl<K> Listed<K> {
    pub(super) fn into_parts(self, items: &mut Vec<K>, missing: &mut Vec<String>) {
        *items = self.items;
        missing.extend(self.missing);
    }
}

/// Lists objects, as many as the limits allow and as come before the deadline.
pub(super) async fn list<K>(what: &str, api: Api<K>, limits: Limits, deadline: Instant) -> Listed<K>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    let mut parameters = ListParams::default().limit(limits.page);
    let mut items: Vec<K> = Vec::new();
    let missing = loop {
        let page = match timeout_at(deadline, api.list(&parameters)).await {
            Ok(Ok(page)) => page,
            Ok(Err(error)) => break Some(format!("{what}: {}", told(&error))),
            Err(_) => break Some(format!("{what}: no answer in time")),
        };
        items.extend(page.items);
        let Some(next) = page.metadata.continue_.filter(|next| !next.is_empty()) else { break None };
        if items.len() >= limits.most {
            break Some(format!("{what}: only the first {}", items.len()));
        }
        parameters = parameters.continue_token(&next);
    };
    Listed { items, missing }
}

/// Every object of a namespace but its pods and events, by kind, and what is missing.
pub(super) async fn namespaced(
    client: &Client,
    namespace: &str,
    deadline: Instant,
) -> (Vec<(String, Vec<DynamicObject>)>, Vec<String>) {
    let discovered = timeout_at(deadline, Discovery::new(client.clone()).run_aggregated());
    let (kinds, problem) = match discovered.await {
        Ok(Ok(discovery)) => (discovered_kinds(&discovery), "the API tells of none".to_owned()),
        Ok(Err(error)) => (Vec::new(), told(&error)),
        Err(_) => (Vec::new(), "no answer in time".to_owned()),
    };
    let mut missing = Vec::new();
    let kinds = if kinds.is_empty() {
        missing.push(format!("kinds of objects other than the usual: {problem}"));
        usual()
    } else {
        kinds
    };
    let lists = stream::iter(kinds).map(|resource| async move {
        let kind = kind(&resource);
        let api = Api::<DynamicObject>::namespaced_with(client.clone(), namespace, &resource);
        let mut listed = list(&kind, api, OBJECTS, deadline).await;
        for object in &mut listed.items {
            // Objects of a list come without their types.
            let (api_version, kind) = (resource.api_version.clone(), resource.kind.clone());
            object.types = Some(kube::api::TypeMeta { api_version, kind });
        }
        (kind, listed)
    });
    let mut objects = Vec::new();
    for (kind, listed) in lists.buffered(AT_ONCE).collect::<Vec<_>>().await {
        let mut of_kind = Vec::new();
        listed.into_parts(&mut of_kind, &mut missing);
        if !of_kind.is_empty() {
            objects.push((kind, of_kind));
        }
    }
    (objects, missing)
}

/// The kind's name as kubectl takes it.
fn kind(resource: &ApiResource) -> String {
    if resource.group.is_empty() { resource.plural.clone() } else { format!("{}.{}", resource.plural, resource.group) }
}

/// What the API says that a namespace can hold.
fn discovered_kinds(discovery: &Discovery) -> Vec<ApiResource> {
    let resources = discovery.groups().flat_map(kube::discovery::ApiGroup::recommended_resources);
    let listable = resources.filter(|(_, can)| can.scope == Scope::Namespaced && can.supports_operation(verbs::LIST));
    let mut kinds: Vec<ApiResource> = listable.map(|(resource, _)| resource).collect();
    kinds.retain(|resource| resource.plural != "events" && !(resource.group.is_empty() && resource.plural == "pods"));
    kinds.sort_by_key(kind);
    kinds
}

/// What every cluster has.
fn usual() -> Vec<ApiResource> {
    vec![
        ApiResource::erase::<ConfigMap>(&()),
        ApiResource::erase::<DaemonSet>(&()),
        ApiResource::erase::<Deployment>(&()),
        ApiResource::erase::<Job>(&()),
        ApiResource::erase::<PersistentVolumeClaim>(&()),
        ApiResource::erase::<ReplicaSet>(&()),
        ApiResource::erase::<Secret>(&()),
        ApiResource::erase::<Service>(&()),
        ApiResource::erase::<StatefulSet>(&()),
    ]
}

/// What the API answered, without everything else that its answer holds.
pub(super) fn told(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        error => chain(error),
    }
}
