//! A value compared with a part of it.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::describe::{Secret, field, is_hidden, keyed, short};

/// One place where a value is not as expected.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    path: String,
    expected: String,
    found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the value" } else { &self.path };
        write!(f, "{path}: expected {}, found {}", self.expected, self.found)
    }
}

/// Every place where `actual` lacks something of `expected`.
pub(super) fn differences(actual: &Value, expected: &Value, secret: Secret) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&mut found, "", Some(actual), expected);
    for difference in found.iter_mut().filter(|difference| is_hidden(secret, &difference.path)) {
        "(hidden)".clone_into(&mut difference.expected);
        "(hidden)".clone_into(&mut difference.found);
    }
    found
}

fn compare(found: &mut Vec<Difference>, path: &str, actual: Option<&Value>, expected: &Value) {
    let mut differs = |expected: String, actual: Option<&Value>| {
        let actual = actual.map_or_else(|| "nothing".to_owned(), short);
        found.push(Difference { path: path.to_owned(), expected, found: actual });
    };
    match (actual, expected) {
        // Servers leave out what is not there.
        (None | Some(Value::Null), Value::Null) => {}
        (Some(actual), Value::Null) => differs("nothing".to_owned(), Some(actual)),
        (Some(Value::Object(actual)), Value::Object(fields)) => {
            for (name, expected) in fields {
                compare(found, &field(path, name), actual.get(name), expected);
            }
        }
        (Some(Value::Array(actual)), Value::Array(items)) => match keyed(items) {
            Some((key, names)) => {
                for (name, expected) in names.into_iter().zip(items) {
                    let one = actual.iter().find(|item| item[key] == name);
                    compare(found, &format!("{path}[{name}]"), one, expected);
                }
            }
            None if actual.len() != items.len() => {
                differs(some(items.len()), None);
                if let Some(difference) = found.last_mut() {
                    difference.found = some(actual.len());
                }
            }
            None => {
                for (number, (actual, expected)) in actual.iter().zip(items).enumerate() {
                    compare(found, &format!("{path}[{number}]"), Some(actual), expected);
                }
            }
        },
        (actual, expected) => {
            if actual != Some(expected) {
                differs(short(expected), actual);
            }
        }
    }
}

fn some(items: usize) -> String {
    if items == 1 { "1 item".to_owned() } else { format!("{items} items") }
}

/// What the differences are, one below the other.
pub(super) fn listed(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What [`assert_object!`](crate::assert_object) calls.
///
/// # Panics
/// Where there is a difference.
#[track_caller]
#[doc(hidden)]
pub fn assert_subset(actual: &impl Serialize, expected: &Value) {
    let actual = match serde_json::to_value(actual) {
        Ok(actual) => actual,
        Err(error) => panic!("assert_object!: the object cannot be read: {error}"),
    };
    let kind = actual["kind"].as_str().unwrap_or("the object");
    let secret = if kind == "Secret" { Secret::Yes } else { Secret::No };
    let differences = differences(&actual, expected, secret);
    if differences.is_empty() {
        return;
    }
    let name = actual["metadata"]["name"].as_str().unwrap_or_default();
    let lines: Vec<String> = differences.iter().map(|difference| format!("\n  {difference}")).collect();
    panic!("{kind} {name} is not as expected:{}", lines.concat());
}

/// Asserts that an object has the fields that are given, as JSON, and no matter which others: those that servers fill in need
/// not be listed.
///
/// An object is compared field by field; `null` is a field that is not there. A list whose items have a `name` or a `type`, such
/// as containers and conditions, is compared item by item of that name, and may have others; any other list has to have the
/// same items in the same order.
///
/// ```
/// use k8s_openapi::api::core::v1::Pod;
/// use kind_harness::assert_object;
///
/// let pod: Pod = serde_json::from_value(serde_json::json!({
///     "metadata": { "name": "web", "uid": "4711" },
///     "spec": { "containers": [{ "name": "sidecar" }, { "name": "web", "image": "web:1", "ports": [{ "containerPort": 80 }] }] },
///     "status": { "phase": "Running" },
/// }))?;
/// assert_object!(pod, {
///     "spec": { "containers": [{ "name": "web", "image": "web:1" }] },
///     "status": { "phase": "Running", "message": null },
/// });
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// What it says where it fails:
///
/// ```text
/// Pod web is not as expected:
///   spec.containers[web].image: expected "web:1", found "web:2"
///   status.phase: expected "Running", found nothing
/// ```
///
/// # Panics
/// Where a field is missing or has another value.
#[macro_export]
macro_rules! assert_object {
    ($actual:expr, $($expected:tt)+) => {
        $crate::expect::assert_subset(&$actual, &$crate::__private::json!($($expected)+))
    };
}
