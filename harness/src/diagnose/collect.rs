//! One look at everything around a failed test. What does not answer in time is missing, and said to be.

use std::time::SystemTime;

use k8s_openapi::api::core::v1::{Event, Node, Pod, Secret};
use kind_core::cluster::Cluster;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject},
};
use tokio::time::Instant;

use super::{
    lists::{Limits, list, namespaced},
    logs::{self, Log},
    machines,
};

/// How much of each list is looked at: a namespace with more has another problem than what is in the rest.
const PODS: Limits = Limits { page: 500, most: 2000 };
const EVENTS: Limits = Limits { page: 1000, most: 3000 };
const NODES: Limits = Limits { page: 200, most: 200 };
/// How many logs of the test's pods, and of system pods that are not well, are fetched.
const MOST_LOGS: usize = 100;
const MOST_SYSTEM_LOGS: usize = 12;

/// Where there is something to look at.
pub(super) struct Scene<'a> {
    pub(super) client: &'a Client,
    pub(super) cluster: &'a Cluster,
    /// The test's namespace, where it has one.
    pub(super) namespace: Option<&'a str>,
    /// When the test began: older lines of the nodes' journals tell nothing of it.
    pub(super) since: SystemTime,
}

/// What was found at one moment.
#[derive(Default)]
pub(super) struct Snapshot {
    /// The cluster's nodes.
    pub(super) nodes: Vec<Node>,
    /// The pods.
    pub(super) pods: Vec<Pod>,
    /// The events, oldest first.
    pub(super) events: Vec<Event>,
    /// Every other object of the namespace, by kind.
    pub(super) objects: Vec<(String, Vec<DynamicObject>)>,
    /// The containers' logs.
    pub(super) logs: Vec<Log>,
    /// The pods of `kube-system`.
    pub(super) system_pods: Vec<Pod>,
    /// The logs of those that are not well.
    pub(super) system_logs: Vec<Log>,
    /// The Secrets of `kube-system`: not to be told, but to be known where they turn up.
    pub(super) system_secrets: Vec<DynamicObject>,
    /// What is not Kubernetes' to tell: file names and texts.
    pub(super) machines: Vec<(String, String)>,
    /// What could not be had, and why.
    pub(super) missing: Vec<String>,
}

impl Snapshot {
    /// Looks, and stops looking at the deadline.
    pub(super) async fn take(scene: &Scene<'_>, deadline: Instant) -> Self {
        // The API and the engine may each be the one that does not answer.
        let (mut snapshot, machines) = tokio::join!(
            Box::pin(Self::of_the_api(scene, deadline)),
            machines::look(scene.cluster, scene.since, deadline)
        );
        snapshot.machines = machines.files;
        snapshot.missing.extend(machines.missing);
        snapshot
    }

    async fn of_the_api(scene: &Scene<'_>, deadline: Instant) -> Self {
        let mut snapshot = Self::default();
        let client = scene.client;
        // The logs get what the lists leave, which is nearly all of it on an API that answers.
        let now = Instant::now();
        let lists = now + deadline.saturating_duration_since(now) / 2;
        let nodes = list("nodes", Api::<Node>::all(client.clone()), NODES, lists);
        let system = list("pods of kube-system", Api::<Pod>::namespaced(client.clone(), "kube-system"), PODS, lists);
        let of_namespace = async {
            let namespace = scene.namespace?;
            let pods = list("pods", Api::<Pod>::namespaced(client.clone(), namespace), PODS, lists);
            let events = list("events", Api::<Event>::namespaced(client.clone(), namespace), EVENTS, lists);
            Some(tokio::join!(pods, events, namespaced(client, namespace, lists)))
        };
        let secrets = ApiResource::erase::<Secret>(&());
        let secrets = Api::<DynamicObject>::namespaced_with(client.clone(), "kube-system", &secrets);
        let secrets = list("secrets of kube-system", secrets, NODES, lists);
        let (nodes, system, secrets, of_namespace) = tokio::join!(nodes, system, secrets, of_namespace);
        // Who may not read them sees nothing of them either.
        secrets.into_parts(&mut snapshot.system_secrets, &mut Vec::new());
        nodes.into_parts(&mut snapshot.nodes, &mut snapshot.missing);
        system.into_parts(&mut snapshot.system_pods, &mut snapshot.missing);
        if let Some((pods, events, (objects, missing))) = of_namespace {
            pods.into_parts(&mut snapshot.pods, &mut snapshot.missing);
            events.into_parts(&mut snapshot.events, &mut snapshot.missing);
            snapshot.events.sort_by_key(last_seen);
            snapshot.objects = objects;
            snapshot.missing.extend(missing);
        }
        let of_system = logs::wanted(&snapshot.system_pods, logs::Which::Unwell, MOST_SYSTEM_LOGS);
        let of_test = logs::wanted(&snapshot.pods, logs::Which::All, MOST_LOGS);
        let namespace = scene.namespace.unwrap_or("default");
        let (of_test, of_system) = tokio::join!(
            logs::fetch(client, namespace, of_test, deadline),
            logs::fetch(client, "kube-system", of_system, deadline),
        );
        (snapshot.logs, snapshot.system_logs) = (of_test.logs, of_system.logs);
        snapshot.missing.extend(of_test.missing.into_iter().chain(of_system.missing));
        snapshot
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
