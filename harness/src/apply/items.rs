//! Values as a list of objects, each with the place that it comes from. No I/O.

use std::fmt;

use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use super::ApplyError;

/// One object, and where it was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    /// Where, such as `deploy/web.yaml, document 2`; empty for the one object of a call.
    pub(super) place: String,
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) object: Value,
}

impl Item {
    /// The group, which is empty for the first API.
    pub(super) fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Whether it is one of that kind.
    pub(crate) fn is(&self, group: &str, kind: &str) -> bool {
        self.group() == group && self.kind == kind
    }

    /// Its kind.
    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Gives it another name.
    pub(crate) fn rename(&mut self, name: String) {
        self.object["metadata"]["name"] = name.as_str().into();
        self.name = name;
    }

    /// All of it, apart from what it is and is called.
    pub(crate) fn object_mut(&mut self) -> &mut Value {
        &mut self.object
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{} ", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

/// The objects of a value: a text of YAML documents, a list of values, a `List`, or one object.
pub(crate) fn from_value(value: impl Serialize) -> Result<Vec<Item>, ApplyError> {
    let value = serde_json::to_value(value).map_err(|error| refused("the value", error))?;
    let mut items = Vec::new();
    add(&mut items, "", value)?;
    if items.is_empty() {
        return Err(refused("the value", "found no object in it"));
    }
    Ok(items)
}

fn add(items: &mut Vec<Item>, place: &str, value: Value) -> Result<(), ApplyError> {
    match value {
        Value::String(text) => {
            let place = if place.is_empty() { "the text" } else { place };
            items.extend(from_yaml(place, &text)?);
        }
        Value::Array(values) => {
            for (number, value) in (1..).zip(values) {
                add(items, &within(place, "object", number), value)?;
            }
        }
        object => add_object(items, place, object)?,
    }
    Ok(())
}

/// The objects of YAML documents. Empty ones are passed over, and counted.
pub(super) fn from_yaml(place: &str, text: &str) -> Result<Vec<Item>, ApplyError> {
    let mut items = Vec::new();
    for (number, document) in (1..).zip(serde_yaml::Deserializer::from_str(text)) {
        let place = within(place, "document", number);
        let mut value = serde_yaml::Value::deserialize(document).map_err(|error| refused(&place, error))?;
        value.apply_merge().map_err(|error| refused(&place, error))?;
        let value = serde_json::to_value(value).map_err(|error| refused(&place, error))?;
        match value {
            Value::Null => {}
            Value::String(text) => {
                let found: String = text.chars().take(40).collect();
                let problem =
                    format!("found the text {found:?}, expected an object; files and folders are for `apply_files`");
                return Err(refused(&place, problem));
            }
            value => add_object(&mut items, &place, value)?,
        }
    }
    Ok(items)
}

/// The objects of a JSON file.
pub(super) fn from_json(place: &str, text: &str) -> Result<Vec<Item>, ApplyError> {
    let mut items = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter() {
        add_object(&mut items, place, value.map_err(|error| refused(place, error))?)?;
    }
    Ok(items)
}

fn add_object(items: &mut Vec<Item>, place: &str, mut object: Value) -> Result<(), ApplyError> {
    let at = if place.is_empty() { "the object" } else { place };
    if !object.is_object() {
        return Err(refused(at, format!("found {}, expected an object with apiVersion and kind", what(&object))));
    }
    let missing = |field: &str| refused(at, format!("found no {field}; every object needs one"));
    let kind = text(&object, "/kind").ok_or_else(|| missing("kind"))?;
    let api_version = text(&object, "/apiVersion").ok_or_else(|| missing(&format!("apiVersion ({kind})")))?;
    if let Some(of) = kind.strip_suffix("List")
        && let Some(Value::Array(inner)) = object.get_mut("items").map(Value::take)
    {
        for (number, mut item) in (1..).zip(inner) {
            if let (false, Some(fields)) = (of.is_empty(), item.as_object_mut()) {
                // In lists as the API gives them the items do not say what they are.
                fields.entry("apiVersion").or_insert_with(|| api_version.clone().into());
                fields.entry("kind").or_insert_with(|| of.into());
            }
            add_object(items, &within(place, "item", number), item)?;
        }
        return Ok(());
    }
    let name = text(&object, "/metadata/name").ok_or_else(|| {
        let hint =
            if text(&object, "/metadata/generateName").is_some() { "; `generateName` is for `create`" } else { "" };
        refused(at, format!("found no metadata.name ({kind}), expected one{hint}"))
    })?;
    let namespace = text(&object, "/metadata/namespace");
    items.push(Item { place: place.to_owned(), api_version, kind, name, namespace, object });
    Ok(())
}

fn text(object: &Value, pointer: &str) -> Option<String> {
    let text = object.pointer(pointer).and_then(Value::as_str);
    text.filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

fn within(place: &str, what: &str, number: usize) -> String {
    if place.is_empty() { format!("{what} {number}") } else { format!("{place}, {what} {number}") }
}

fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
        Value::String(_) => "a text",
        Value::Bool(_) | Value::Number(_) => "a single value",
    }
}

pub(super) fn refused(place: &str, problem: impl fmt::Display) -> ApplyError {
    ApplyError::Object { place: place.to_owned(), problem: problem.to_string() }
}
