//! Objects in few words: their values one by one, what servers note for themselves and what is secret left out.

use std::collections::BTreeMap;

use serde_json::Value;

/// The longest text of one value.
pub(super) const LONGEST: usize = 120;
/// The longest text of an object.
const LONGEST_OBJECT: usize = 1500;
/// Fields by which items of lists are told apart.
const KEYS: [&str; 2] = ["name", "type"];

/// What an item of a list is called, where all items have such a name and no two the same.
pub(super) fn keyed(items: &[Value]) -> Option<(&'static str, Vec<&str>)> {
    if items.is_empty() {
        return None;
    }
    KEYS.into_iter().find_map(|key| {
        let names: Vec<&str> = items.iter().map(|item| item[key].as_str()).collect::<Option<_>>()?;
        let distinct: std::collections::BTreeSet<&&str> = names.iter().collect();
        (distinct.len() == names.len()).then_some((key, names))
    })
}

/// A field of something at a path.
pub(super) fn field(path: &str, name: &str) -> String {
    if name.contains(['.', '/', '[']) {
        format!("{path}['{name}']")
    } else if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// Every value of an object by its path, as a text.
pub(super) fn values(object: &Value) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    add(&mut values, "", object);
    values
}

fn add(values: &mut BTreeMap<String, String>, path: &str, value: &Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields.iter().filter(|(name, _)| !is_noise(path, name)) {
                add(values, &field(path, name), value);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let names = keyed(items).map(|(_, names)| names);
            for (number, item) in items.iter().enumerate() {
                let name = names.as_ref().map_or_else(|| number.to_string(), |names| names[number].to_owned());
                match condition(item).filter(|_| path == "status.conditions") {
                    Some(condition) => drop(values.insert(name, condition)),
                    None => add(values, &format!("{path}[{name}]"), item),
                }
            }
        }
        value => {
            values.insert(path.to_owned(), value.to_string());
        }
    }
}

/// A condition in short.
fn condition(item: &Value) -> Option<String> {
    let (status, reason) = (item["status"].as_str()?, item["reason"].as_str().unwrap_or_default());
    let message = item["message"].as_str().filter(|message| !message.is_empty() && status != "True");
    let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    Some(format!("{status}{reason}{}", message.map(|message| format!(": {message}")).unwrap_or_default()))
}

/// What says nothing of an object's state, or says again what is said elsewhere.
fn is_noise(path: &str, name: &str) -> bool {
    match path {
        "" => ["apiVersion", "kind"].contains(&name),
        "metadata" => ["managedFields", "resourceVersion", "uid", "creationTimestamp", "selfLink"].contains(&name),
        "metadata.annotations" => name == "kubectl.kubernetes.io/last-applied-configuration",
        "status" => {
            ["observedGeneration", "hostIP", "hostIPs", "podIPs", "startTime", "qosClass", "resources"].contains(&name)
        }
        path if path.starts_with("status.") && path.contains("ontainerStatuses[") => {
            let nothing =
                ["containerID", "imageID", "image", "volumeMounts", "user", "resources", "allocatedResources"];
            nothing.contains(&name) || name.ends_with("At") || name == "lastState"
        }
        _ => false,
    }
}

/// Whether the value there is one that is not to be shown.
pub(super) fn is_hidden(secret: Secret, path: &str) -> bool {
    matches!(secret, Secret::Yes) && (path.starts_with("data") || path.starts_with("stringData"))
}

/// Whether objects are `Secret`s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secret {
    Yes,
    No,
}

/// A value as one line.
pub(super) fn short(value: &Value) -> String {
    cut(&value.to_string(), LONGEST)
}

/// The beginning of a long text.
pub(super) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// An object as one line: its state, and, where it has none, what it is.
pub(super) fn object(object: &Value, secret: Secret) -> String {
    let has_status = object["status"].as_object().is_some_and(|status| !status.is_empty());
    let of_interest = |path: &str| {
        let of_metadata =
            ["metadata.deletionTimestamp", "metadata.finalizers"].iter().any(|kept| path.starts_with(kept));
        of_metadata || !(path.starts_with("metadata") || has_status && path.starts_with("spec"))
    };
    let told = values(object).into_iter().filter(|(path, _)| of_interest(path)).map(|(path, value)| {
        let value = if is_hidden(secret, &path) { "(hidden)".to_owned() } else { cut(&value, LONGEST) };
        format!("{path} {value}")
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { "it has no state yet".to_owned() } else { cut(&told.join(", "), LONGEST_OBJECT) }
}
