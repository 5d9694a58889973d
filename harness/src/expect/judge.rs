//! Whether an object is as it should be. Pure.

use serde_json::Value;

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judged<T> {
    /// It is so.
    Yes(T),
    /// Not yet; the text says what there is instead.
    NotYet(String),
    /// It never will be.
    Never(String),
}

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

/// What whoever acts on the object has not seen yet, where it says so.
fn unseen(object: &Value) -> Option<String> {
    let observed = object.pointer("/status/observedGeneration").and_then(Value::as_i64)?;
    let generation = number(object, "/metadata/generation");
    (observed < generation).then(|| format!("its controller saw generation {observed} of {generation}"))
}

/// The condition of that type.
fn condition_of<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array)?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

/// What a condition says.
fn words(condition: &Value) -> String {
    let text = |field: &str| condition[field].as_str().filter(|text| !text.is_empty());
    let reason = text("reason").map(|reason| format!(" ({reason})")).unwrap_or_default();
    let message = text("message").map(|message| format!(": {message}")).unwrap_or_default();
    format!("{}={}{reason}{message}", text("type").unwrap_or("?"), text("status").unwrap_or("?"))
}

/// Whether the object has a condition, given as its type, or as `type=status`.
pub(super) fn condition(object: &Value, wanted: &str) -> Judged<()> {
    let (kind, status) = wanted.split_once('=').unwrap_or((wanted, "True"));
    let Some(found) = condition_of(object, kind) else {
        let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
        let kinds: Vec<&str> = conditions.into_iter().flatten().filter_map(|one| one["type"].as_str()).collect();
        let others = if kinds.is_empty() { "no condition at all".to_owned() } else { kinds.join(", ") };
        return Judged::NotYet(format!("no condition {kind}; it has {others}"));
    };
    if found["status"].as_str().is_none_or(|found| !found.eq_ignore_ascii_case(status)) {
        return Judged::NotYet(words(found));
    }
    let old =
        found["observedGeneration"].as_i64().filter(|observed| *observed < number(object, "/metadata/generation"));
    match old.map(|_| "the condition is of an older generation".to_owned()).or_else(|| unseen(object)) {
        Some(unseen) => Judged::NotYet(format!("{}, but {unseen}", words(found))),
        None => Judged::Yes(()),
    }
}

/// As `kubectl rollout status` sees a Deployment.
pub(super) fn deployment(object: &Value) -> Judged<()> {
    if let Some(waiting) = not_observed(object) {
        return Judged::NotYet(waiting);
    }
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let [updated, available, all] =
        ["updatedReplicas", "availableReplicas", "replicas"].map(|field| number(object, &format!("/status/{field}")));
    if (updated, available, all) == (wanted, wanted, wanted) {
        return Judged::Yes(());
    }
    let status = format!("of {wanted} replicas {updated} are updated and {available} available; there are {all}");
    match condition_of(object, "Progressing") {
        Some(condition) if condition["reason"] == "ProgressDeadlineExceeded" => {
            Judged::Never(format!("{status}; {}", words(condition)))
        }
        _ => Judged::NotYet(status),
    }
}

/// As `kubectl rollout status` sees a `StatefulSet`.
pub(super) fn stateful_set(object: &Value) -> Judged<()> {
    if let Some(never) = on_delete(object, "/spec/updateStrategy/type") {
        return never;
    }
    if let Some(waiting) = not_observed(object) {
        return Judged::NotYet(waiting);
    }
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let kept = number(object, "/spec/updateStrategy/rollingUpdate/partition").clamp(0, wanted);
    let [updated, available, all] =
        ["updatedReplicas", "availableReplicas", "replicas"].map(|field| number(object, &format!("/status/{field}")));
    // Without a change there is one revision, of which all are.
    let one = object.pointer("/status/currentRevision") == object.pointer("/status/updateRevision");
    let is_updated = if kept == 0 { one } else { updated >= wanted - kept };
    if is_updated && available == wanted && all == wanted {
        return Judged::Yes(());
    }
    Judged::NotYet(format!("of {wanted} replicas {updated} are updated and {available} available; there are {all}"))
}

/// As `kubectl rollout status` sees a `DaemonSet`.
pub(super) fn daemon_set(object: &Value) -> Judged<()> {
    if let Some(never) = on_delete(object, "/spec/updateStrategy/type") {
        return never;
    }
    if let Some(waiting) = not_observed(object) {
        return Judged::NotYet(waiting);
    }
    let [wanted, updated, available] = ["desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"]
        .map(|field| number(object, &format!("/status/{field}")));
    if updated == wanted && available == wanted {
        return Judged::Yes(());
    }
    Judged::NotYet(format!("of {wanted} nodes' pods {updated} are updated and {available} available"))
}

fn on_delete(object: &Value, pointer: &str) -> Option<Judged<()>> {
    let is_so = object.pointer(pointer).is_some_and(|kind| kind == "OnDelete");
    is_so.then(|| {
        Judged::Never("its update strategy is OnDelete: it changes pods only when somebody deletes them".to_owned())
    })
}

fn not_observed(object: &Value) -> Option<String> {
    if object.pointer("/status/observedGeneration").is_none() {
        return Some("its controller has not seen it yet".to_owned());
    }
    unseen(object)
}

/// Whether a Job is complete; one that failed never will be.
pub(super) fn job(object: &Value) -> Judged<()> {
    let of = |kind: &str| condition_of(object, kind).filter(|condition| condition["status"] == "True");
    if of("Complete").is_some() {
        return Judged::Yes(());
    }
    let [active, succeeded, failed] =
        ["active", "succeeded", "failed"].map(|one| number(object, &format!("/status/{one}")));
    let status = format!("{active} pods are active, {succeeded} succeeded, {failed} failed");
    match of("Failed") {
        Some(condition) => Judged::Never(format!("{status}; {}", words(condition))),
        None => Judged::NotYet(status),
    }
}
