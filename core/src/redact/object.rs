//! Secrets in Kubernetes objects, by where they are.

use serde_json::{Map, Value};

use super::text::{LEFT_OUT, redacted};

/// Holds the whole object again, secrets included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// What the name of a field or variable has in it whose content is a secret, in small letters without separators.
const NAMES: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "clientkeydata",
];

/// Takes the content of Secrets, of variables and fields with telling names, and the bookkeeping out of an object, and
/// out of every text in it what looks like a secret.
pub fn object(object: &mut Value) {
    if object.get("kind").and_then(Value::as_str) == Some("Secret") {
        for field in ["data", "stringData"] {
            let Some(values) = object.get_mut(field).and_then(Value::as_object_mut) else { continue };
            values.values_mut().for_each(leave_out);
        }
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    walk(object);
}

fn walk(value: &mut Value) {
    match value {
        Value::String(text) => *text = redacted(text),
        Value::Array(values) => array(values),
        Value::Object(fields) => map(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn map(fields: &mut Map<String, Value>) {
    fields.remove(LAST_APPLIED);
    // A variable, a header, a parameter.
    let is_secret = fields.get("name").and_then(Value::as_str).is_some_and(|name| has_secret(name, Part::Any));
    for (name, value) in fields {
        let is_secret = if name == "value" { is_secret } else { has_secret(name, Part::End) };
        if is_secret && value.is_string() { leave_out(value) } else { walk(value) }
    }
}

/// Values, of which one may be the argument of a flag before it.
fn array(values: &mut [Value]) {
    let mut is_argument = false;
    for value in values {
        let flag = value.as_str().is_some_and(|text| text.starts_with('-') && has_secret(text, Part::End));
        if is_argument && value.as_str().is_some_and(|text| !text.starts_with('-')) {
            leave_out(value);
        } else {
            walk(value);
        }
        is_argument = flag;
    }
}

fn leave_out(value: &mut Value) {
    *value = Value::String(LEFT_OUT.to_owned());
}

/// Which part of a name has to say that its content is a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Any: `DB_PASSWORD_1`.
    Any,
    /// The end: `secretName` is the name of a Secret and no secret.
    End,
}

/// Whether a name says that what it stands for is a secret.
pub(super) fn names_secret(name: &str) -> bool {
    has_secret(name, Part::Any)
}

fn has_secret(name: &str, part: Part) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let name = name.strip_suffix('s').unwrap_or(&name);
    NAMES.iter().any(|word| if part == Part::End { name.ends_with(word) } else { name.contains(word) })
}
