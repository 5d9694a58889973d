//! Asks the API for everything in a namespace. What does not answer in time is missing, and said to be.

use futures::{StreamExt as _, stream};
use k8s_openapi::api::{
    apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
    batch::v1::Job,
    core::v1::{ConfigMap, Event, Node, PersistentVolumeClaim, Pod, Secret, Service},
};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, ListParams, LogParams},
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::pod::container_names;

/// How many lines of each log are fetched.
const LOG_LINES: i64 = 1000;
/// How many logs are fetched at the same time.
const LOGS_AT_ONCE: usize = 8;
/// How many logs are fetched at all: a namespace with more has another problem.
const MOST_LOGS: usize = 100;

/// What was in a namespace at one moment.
#[derive(Default)]
pub(super) struct Snapshot {
    /// The cluster's nodes.
    pub(super) nodes: Vec<Node>,
    /// The pods.
    pub(super) pods: Vec<Pod>,
    /// The events, oldest first.
    pub(super) events: Vec<Event>,
    /// Every other object, by kind.
    pub(super) objects: Vec<(&'static str, Vec<DynamicObject>)>,
    /// The containers' logs.
    pub(super) logs: Vec<Log>,
    /// What could not be had, and why.
    pub(super) missing: Vec<String>,
}

/// The end of one container's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Log {
    /// The pod.
    pub(super) pod: String,
    /// The container.
    pub(super) container: String,
    /// It is the log of the container that ran before the current one.
    pub(super) previous: bool,
    /// The lines.
    pub(super) text: String,
}

impl Snapshot {
    /// Looks, and stops looking at the deadline.
    pub(super) async fn take(client: &Client, namespace: Option<&str>, deadline: Instant) -> Self {
        let mut snapshot = Self::default();
        // The logs get what the lists leave, which is nearly all of it on an API that answers.
        let now = Instant::now();
        let lists = now + deadline.saturating_duration_since(now) / 2;
        let nodes = list("nodes", Api::<Node>::all(client.clone()), lists);
        let Some(namespace) = namespace else {
            let nodes = nodes.await;
            snapshot.nodes = snapshot.taken(nodes);
            return snapshot;
        };
        let pods = list("pods", Api::<Pod>::namespaced(client.clone(), namespace), lists);
        let events = list("events", Api::<Event>::namespaced(client.clone(), namespace), lists);
        let others = stream::iter(kinds()).map(|(kind, resource)| async move {
            let api = Api::<DynamicObject>::namespaced_with(client.clone(), namespace, &resource);
            (kind, list(kind, api, lists).await.map(|objects| with_types(objects, &resource)))
        });
        let others = others.buffered(4).collect::<Vec<_>>();
        let (nodes, pods, events, others) = tokio::join!(nodes, pods, events, others);
        snapshot.nodes = snapshot.taken(nodes);
        snapshot.pods = snapshot.taken(pods);
        snapshot.events = snapshot.taken(events);
        snapshot.events.sort_by_key(last_seen);
        for (kind, objects) in others {
            let objects = snapshot.taken(objects);
            snapshot.objects.push((kind, objects));
        }
        snapshot.fetch_logs(client, namespace, deadline).await;
        snapshot
    }

    fn taken<T>(&mut self, outcome: Result<Vec<T>, String>) -> Vec<T> {
        outcome.unwrap_or_else(|problem| {
            self.missing.push(problem);
            Vec::new()
        })
    }

    async fn fetch_logs(&mut self, client: &Client, namespace: &str, deadline: Instant) {
        let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let wanted: Vec<Log> = self.pods.iter().flat_map(wanted_logs).take(MOST_LOGS).collect();
        let fetched = stream::iter(wanted).map(|log| {
            let api = &api;
            async move {
                let parameters = LogParams {
                    container: Some(log.container.clone()),
                    previous: log.previous,
                    tail_lines: Some(LOG_LINES),
                    timestamps: true,
                    ..LogParams::default()
                };
                match timeout_at(deadline, api.logs(&log.pod, &parameters)).await {
                    Ok(Ok(text)) => Ok(Log { text, ..log }),
                    Ok(Err(error)) => Err(format!("log of {}/{}: {}", log.pod, log.container, told(&error))),
                    Err(_) => Err(format!("log of {}/{}: no answer in time", log.pod, log.container)),
                }
            }
        });
        for outcome in fetched.buffered(LOGS_AT_ONCE).collect::<Vec<_>>().await {
            match outcome {
                Ok(log) => self.logs.push(log),
                Err(problem) => self.missing.push(problem),
            }
        }
    }
}

/// When an event was last seen. Which field says so depends on who reported it.
pub(super) fn last_seen(event: &Event) -> Option<String> {
    let text = |value: Result<serde_json::Value, serde_json::Error>| Some(value.ok()?.as_str()?.to_owned());
    let series =
        event.series.as_ref().and_then(|series| text(serde_json::to_value(series.last_observed_time.as_ref()?)));
    let last = event.last_timestamp.as_ref().and_then(|time| text(serde_json::to_value(time)));
    let first = event.event_time.as_ref().and_then(|time| text(serde_json::to_value(time)));
    let created = event.metadata.creation_timestamp.as_ref().and_then(|time| text(serde_json::to_value(time)));
    series.or(last).or(first).or(created)
}

/// A log for each container, and one more where it was started again.
fn wanted_logs(pod: &Pod) -> Vec<Log> {
    let name = pod.metadata.name.clone().unwrap_or_default();
    let log = |container: &str, previous| Log {
        pod: name.clone(),
        container: container.to_owned(),
        previous,
        text: String::new(),
    };
    let of = |(container, restarts): (String, i32)| {
        let previous = (restarts > 0).then(|| log(&container, true));
        previous.into_iter().chain([log(&container, false)])
    };
    container_names(pod).into_iter().flat_map(of).collect()
}

/// The kinds in the bundle, pods and events apart.
fn kinds() -> Vec<(&'static str, ApiResource)> {
    vec![
        ("services", ApiResource::erase::<Service>(&())),
        ("deployments", ApiResource::erase::<Deployment>(&())),
        ("replicasets", ApiResource::erase::<ReplicaSet>(&())),
        ("statefulsets", ApiResource::erase::<StatefulSet>(&())),
        ("daemonsets", ApiResource::erase::<DaemonSet>(&())),
        ("jobs", ApiResource::erase::<Job>(&())),
        ("persistentvolumeclaims", ApiResource::erase::<PersistentVolumeClaim>(&())),
        ("configmaps", ApiResource::erase::<ConfigMap>(&())),
        ("secrets", ApiResource::erase::<Secret>(&())),
    ]
}

/// Objects of a list come without their types.
fn with_types(mut objects: Vec<DynamicObject>, resource: &ApiResource) -> Vec<DynamicObject> {
    for object in &mut objects {
        let (api_version, kind) = (resource.api_version.clone(), resource.kind.clone());
        object.types = Some(kube::api::TypeMeta { api_version, kind });
    }
    objects
}

async fn list<K>(what: &str, api: Api<K>, deadline: Instant) -> Result<Vec<K>, String>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    match timeout_at(deadline, api.list(&ListParams::default())).await {
        Ok(Ok(list)) => Ok(list.items),
        Ok(Err(error)) => Err(format!("{what}: {}", told(&error))),
        Err(_) => Err(format!("{what}: no answer in time")),
    }
}

/// What the API answered, without everything else that its answer holds.
fn told(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        error => error.to_string(),
    }
}
