//! Writes everything that was collected into one folder. The content of secrets is left out.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use k8s_openapi::api::core::v1::Event;
use serde::Serialize;
use serde_json::Value;

use super::{
    collect::{Log, Snapshot, last_seen},
    failure::Failed,
    summary::summary,
};

/// Holds the whole object again, secrets included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A bundle could not be written in full.
#[derive(Debug, thiserror::Error)]
#[error("write {}: {source}", path.display())]
pub(super) struct BundleError {
    path: PathBuf,
    source: io::Error,
}

/// Writes the bundle into the test's folder.
pub(super) fn write(failed: &Failed, snapshot: &Snapshot) -> Result<(), BundleError> {
    for (name, text) in files(failed, snapshot) {
        let path = failed.folder.join(name);
        let folder = path.parent().unwrap_or(Path::new(""));
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text));
        written.map_err(|source| BundleError { path, source })?;
    }
    Ok(())
}

/// Every file of the bundle and its text.
pub(super) fn files(failed: &Failed, snapshot: &Snapshot) -> Vec<(String, String)> {
    let mut files = vec![
        ("summary.txt".to_owned(), format!("{}\n\n{}\n", failed.reason, summary(failed, snapshot, None))),
        ("timeline.txt".to_owned(), format!("{}\n", failed.timeline.replace(", ", "\n"))),
        ("nodes.yaml".to_owned(), yaml(&snapshot.nodes)),
    ];
    if failed.namespace.is_some() {
        files.push(("events.txt".to_owned(), snapshot.events.iter().map(event).collect()));
        files.push(("objects/pods.yaml".to_owned(), yaml(&snapshot.pods)));
    }
    if !snapshot.missing.is_empty() {
        files.push(("missing.txt".to_owned(), format!("{}\n", snapshot.missing.join("\n"))));
    }
    let objects = snapshot.objects.iter().filter(|(_, objects)| !objects.is_empty());
    files.extend(objects.map(|(kind, objects)| (format!("objects/{kind}.yaml"), yaml(objects))));
    files.extend(snapshot.logs.iter().map(|log| (log_file(log), log.text.clone())));
    files
}

fn log_file(log: &Log) -> String {
    let previous = if log.previous { ".previous" } else { "" };
    format!("logs/{}/{}{previous}.log", log.pod, log.container)
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

/// Objects as documents, without what only machines read.
fn yaml<T: Serialize>(objects: &[T]) -> String {
    let document = |object: &T| -> Result<String, String> {
        let mut object = serde_json::to_value(object).map_err(|error| error.to_string())?;
        tidy(&mut object);
        serde_yaml::to_string(&object).map_err(|error| error.to_string())
    };
    let text = |object| document(object).unwrap_or_else(|error| format!("# not printable: {error}\n"));
    objects.iter().flat_map(|object| ["---\n".to_owned(), text(object)]).collect()
}

/// Takes out the bookkeeping of fields, and the content of a secret.
fn tidy(object: &mut Value) {
    let is_secret = object.get("kind").and_then(Value::as_str) == Some("Secret");
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut)
            && is_secret
        {
            annotations.remove(LAST_APPLIED);
        }
    }
    if is_secret {
        for field in ["data", "stringData"] {
            let Some(values) = object.get_mut(field).and_then(Value::as_object_mut) else { continue };
            for value in values.values_mut() {
                *value = Value::String("<left out>".to_owned());
            }
        }
    }
}
