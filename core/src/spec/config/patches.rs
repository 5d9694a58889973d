//! Patches: texts within the configuration, read into data. Whether they fit is `render`'s to say.

use serde_json::Value;

use super::{
    error::{Mistake, nearest},
    reader::{Field, Object},
    size,
};
use crate::spec::{ContainerdPatches, DocumentKind, JsonPatch, KubeadmPatches, MergePatch};

const JSON_FIELDS: &[&str] = &["group", "version", "kind", "patch"];

/// The kubeadm patches of the configuration or of one of its nodes.
pub(super) fn read_kubeadm(object: &Object<'_>) -> KubeadmPatches {
    let merge = object.get("kubeadmConfigPatches").map(|list| list.items()).unwrap_or_default();
    let json = object.get("kubeadmConfigPatchesJSON6902").map(|list| list.items()).unwrap_or_default();
    KubeadmPatches {
        merge: merge.iter().filter_map(read_merge).collect(),
        json: json.iter().filter_map(read_json).collect(),
    }
}

/// The containerd patches of the configuration.
pub(super) fn read_containerd(object: &Object<'_>) -> ContainerdPatches {
    let merge = object.get("containerdConfigPatches").map(|list| list.items()).unwrap_or_default();
    let json = object.get("containerdConfigPatchesJSON6902").map(|list| list.items()).unwrap_or_default();
    ContainerdPatches {
        merge: merge.iter().filter_map(read_toml).collect(),
        json: json.iter().filter_map(read_operations).collect(),
    }
}

fn read_merge(field: &Field<'_>) -> Option<MergePatch> {
    let content = read_yaml(field)?;
    if !content.is_object() {
        field.refuse(Mistake::Patch { problem: "expected fields of a document, with its `kind`".to_owned() });
        return None;
    }
    let word = |name: &str| content[name].as_str().map(str::to_owned);
    let Some(kind) = word("kind") else {
        let allowed = DocumentKind::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        field.refuse(Mistake::Patch { problem: format!("it has no `kind`; expected one of {allowed}") });
        return None;
    };
    let (api_version, kind) = target(field, word("apiVersion").as_deref().unwrap_or_default(), &kind)?;
    Some(MergePatch { api_version, kind, content })
}

fn read_json(field: &Field<'_>) -> Option<JsonPatch> {
    let object = field.object(JSON_FIELDS)?;
    let word = |name: &str| object.get(name).and_then(|field| field.text()).unwrap_or_default();
    let (group, version) = (word("group"), word("version"));
    let api_version = if group.is_empty() { version } else { format!("{group}/{version}") };
    let kind = object.require("kind", "the kind of the document to patch");
    let kind = kind.and_then(|kind| target(&kind, &api_version, &kind.text()?));
    let operations = object.require("patch", "a list of operations (RFC 6902), as text");
    let operations = operations.and_then(|patch| read_operations(&patch));
    let (api_version, kind) = kind?;
    Some(JsonPatch { api_version, kind, operations: operations? })
}

/// Which document is meant; an empty version is any.
fn target(field: &Field<'_>, api_version: &str, kind: &str) -> Option<(Option<String>, DocumentKind)> {
    let Some((_, kind)) = DocumentKind::ALL.iter().find(|(name, _)| *name == kind) else {
        let allowed: Vec<&'static str> = DocumentKind::ALL.iter().map(|(name, _)| *name).collect();
        let suggestion = nearest(kind, &allowed);
        field.refuse(Mistake::UnknownWord { found: format!("kind {kind:?}"), allowed, suggestion });
        return None;
    };
    let known = std::iter::once(kind.api_version()).chain(kind.other_versions().iter().copied());
    if !api_version.is_empty() && !known.clone().any(|version| version == api_version) {
        let allowed = vec![kind.api_version()];
        let suggestion = nearest(api_version, &allowed);
        field.refuse(Mistake::UnknownWord { found: format!("apiVersion {api_version:?}"), allowed, suggestion });
        return None;
    }
    Some((Some(api_version.to_owned()).filter(|version| !version.is_empty()), *kind))
}

fn read_operations(field: &Field<'_>) -> Option<json_patch::Patch> {
    let operations = read_yaml(field)?;
    match serde_json::from_value(operations) {
        Ok(patch) => Some(patch),
        Err(error) => {
            let problem = format!("expected a list of operations such as {{op: add, path: /a, value: b}}: {error}");
            field.refuse(Mistake::Patch { problem });
            None
        }
    }
}

fn read_toml(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    let version = crate::render::parse_toml(&text).map(|table| table["version"].clone());
    let problem = match version {
        Ok(Value::Null) => return Some(text),
        Ok(version) if version.as_i64().is_some_and(|version| (1..=3).contains(&version)) => return Some(text),
        Ok(version) => format!("found version {version}, expected a version of containerd's configuration: 2 or 3"),
        Err(problem) => format!("not readable as TOML: {problem}"),
    };
    field.refuse(Mistake::Patch { problem });
    None
}

/// The YAML or JSON document within a text.
fn read_yaml(field: &Field<'_>) -> Option<Value> {
    let text = field.text()?;
    let read = || -> Result<Value, serde_yaml::Error> {
        size::check(&text)?;
        let mut tree: serde_yaml::Value = serde_yaml::from_str(&text)?;
        tree.apply_merge()?;
        serde_yaml::from_value(tree)
    };
    match read() {
        Ok(value) => Some(value),
        Err(error) => {
            field.refuse(Mistake::Patch { problem: format!("not readable as YAML: {error}") });
            None
        }
    }
}
