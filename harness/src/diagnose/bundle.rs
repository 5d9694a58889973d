//! Writes everything that was found into one folder. Every text passes `redact` on its way, and only the user can read it.

use std::{io, path::PathBuf};

use k8s_openapi::api::core::v1::{Event, Pod};
use kind_core::{
    private_file::save,
    redact::{self, Known},
};
use serde::Serialize;
use serde_json::Value;

use super::{
    collect::{Snapshot, last_seen},
    failure::Failed,
    logs::Log,
    pod::PodState,
    summary::summary,
};

/// The file to begin with.
pub(crate) const SUMMARY: &str = "summary.txt";
/// The largest file of objects, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// A bundle could not be written in full.
#[derive(Debug, thiserror::Error)]
#[error("write {}: {source}", path.display())]
pub(super) struct BundleError {
    path: PathBuf,
    source: io::Error,
}

/// The values that the namespace's Secrets hold, and those of `kube-system`, whose pods' logs are in the bundle, too.
pub(super) fn known(snapshot: &Snapshot) -> Known {
    let secrets = snapshot.objects.iter().filter(|(kind, _)| kind == "secrets").flat_map(|(_, secrets)| secrets);
    let secrets = secrets.chain(&snapshot.system_secrets);
    let secrets: Vec<Value> = secrets.filter_map(|secret| serde_json::to_value(secret).ok()).collect();
    Known::of(secrets.iter())
}

/// Writes the bundle into the test's folder.
pub(super) fn write(failed: &Failed, snapshot: &Snapshot, known: &Known) -> Result<(), BundleError> {
    for (name, text) in files(failed, snapshot) {
        let path = failed.folder.join(name);
        let text = known.left_out_of(&text);
        save(&path, &text).map_err(|source| BundleError { path, source })?;
    }
    Ok(())
}

/// Every file of the bundle and its text, which is not yet for everybody's eyes.
pub(super) fn files(failed: &Failed, snapshot: &Snapshot) -> Vec<(String, String)> {
    let mut files = vec![
        (SUMMARY.to_owned(), format!("{}\n\n{}\n", failed.reason, summary(failed, snapshot, None))),
        ("timeline.txt".to_owned(), format!("{}\n", failed.timeline.replace(", ", "\n"))),
        ("doing.txt".to_owned(), failed.doing.text()),
    ];
    if failed.namespace.is_some() {
        files.push(("events.txt".to_owned(), snapshot.events.iter().map(event).collect()));
        files.push(("objects/pods.yaml".to_owned(), yaml(&snapshot.pods)));
    }
    if !snapshot.missing.is_empty() {
        files.push(("missing.txt".to_owned(), format!("{}\n", snapshot.missing.join("\n"))));
    }
    files.extend(snapshot.objects.iter().map(|(kind, objects)| (format!("objects/{kind}.yaml"), yaml(objects))));
    files.extend(snapshot.logs.iter().map(|log| (format!("logs/{}", log_file(log)), log.text.clone())));
    files.push(("cluster/nodes.yaml".to_owned(), yaml(&snapshot.nodes)));
    files.push(("cluster/system-pods.txt".to_owned(), snapshot.system_pods.iter().map(pod).collect()));
    files.push(("cluster/system-pods.yaml".to_owned(), yaml(&snapshot.system_pods)));
    files.extend(snapshot.system_logs.iter().map(|log| (format!("cluster/logs/{}", log_file(log)), log.text.clone())));
    files.extend(snapshot.machines.iter().map(|(name, text)| (format!("cluster/{name}"), text.clone())));
    files
}

fn log_file(log: &Log) -> String {
    let previous = if log.previous { ".previous" } else { "" };
    format!("{}/{}{previous}.log", log.pod, log.container)
}

/// One event as a line.
fn event(event: &Event) -> String {
    let seen = last_seen(event).unwrap_or_default();
    let [kind, reason, message] =
        [&event.type_, &event.reason, &event.message].map(|it| it.clone().unwrap_or_default());
    let object = &event.involved_object;
    let [of, name] = [&object.kind, &object.name].map(|it| it.clone().unwrap_or_default());
    let count = event.count.unwrap_or(1);
    format!("{seen} {kind} {reason} {of}/{name} x{count}: {}\n", message.replace('\n', " "))
}

/// One pod as a line.
fn pod(pod: &Pod) -> String {
    let PodState { name, state, ready: (ready, wanted), restarts, message, .. } = PodState::of(pod);
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
    let message = message.map(|message| format!(": {}", message.replace('\n', " "))).unwrap_or_default();
    format!("{name} on {node}: {state}, {ready} of {wanted} ready, {restarts} restarts{message}\n")
}

/// Objects as documents, without what only machines read.
fn yaml<T: Serialize>(objects: &[T]) -> String {
    let document = |object: &T| -> Result<String, String> {
        let mut object = serde_json::to_value(object).map_err(|error| error.to_string())?;
        redact::object(&mut object);
        serde_yaml::to_string(&object).map_err(|error| error.to_string())
    };
    let mut text = String::new();
    for (index, object) in objects.iter().enumerate() {
        if text.len() > LARGEST {
            let left = objects.len() - index;
            text.extend(["# ", &left.to_string(), " more are left out: the file would be too large\n"]);
            break;
        }
        text.push_str("---\n");
        text.push_str(&document(object).unwrap_or_else(|error| format!("# not printable: {error}\n")));
    }
    text
}
