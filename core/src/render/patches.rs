//! Applies the user's patches to kubeadm's documents, as kind does it: the cluster's before the node's, merge patches
//! before JSON patches.

use kind_engine::NodeFile;
use serde_json::{Value, json};

use super::{
    kubeadm::{NodeText, to_yaml},
    kubelet::{LISTS, check_arguments},
};
use crate::spec::{DocumentKind, FieldPath, KubeadmPatches};

/// Where a node's own kubelet patches lie; kubeadm applies them to the settings that the whole cluster shares.
pub const PATCHES_FOLDER: &str = "/kind/patches";

/// A patch that cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct PatchError {
    /// Its place in a configuration file.
    pub path: FieldPath,
    /// Why not.
    pub problem: String,
}

impl PatchError {
    pub(super) fn new(path: FieldPath, problem: impl Into<String>) -> Self {
        Self { path, problem: problem.into() }
    }
}

/// Applies the patches for one document of a node.
pub(super) fn apply(
    kind: DocumentKind,
    document: &mut Value,
    cluster: &KubeadmPatches,
    node: &NodeText,
) -> Result<(), PatchError> {
    apply_level(kind, document, cluster, &FieldPath::default())?;
    // The node's own are for kubeadm to apply: what is in the document, nodes that join would get, too.
    if kind == DocumentKind::KubeletConfiguration {
        return Ok(());
    }
    apply_level(kind, document, &node.patches, &node.path())
}

fn apply_level(
    kind: DocumentKind,
    document: &mut Value,
    patches: &KubeadmPatches,
    path: &FieldPath,
) -> Result<(), PatchError> {
    let is_meant = |of: DocumentKind, is_for_others: bool| of == kind && !is_for_others;
    for (index, patch) in patches.merge.iter().enumerate() {
        if !is_meant(patch.kind, patch.is_for_others()) {
            continue;
        }
        let mut content = patch.content.clone();
        if kind.api_version().starts_with("kubeadm.") {
            keep_lists(document, &mut content);
        }
        json_patch::merge(document, &content);
        check_arguments(&document["nodeRegistration"])
            .map_err(|problem| PatchError::new(path.field("kubeadmConfigPatches").item(index), problem))?;
    }
    for (index, patch) in patches.json.iter().enumerate() {
        if !is_meant(patch.kind, patch.is_for_others()) {
            continue;
        }
        let misfit =
            |problem| PatchError::new(path.field("kubeadmConfigPatchesJSON6902").item(index).field("patch"), problem);
        // Not undone where it fails: the document is of no use then, and there are patches whose undoing panics.
        json_patch::patch_unsafe(document, &patch.operations)
            .map_err(|error| misfit(format!("cannot be applied to {kind}: {error}")))?;
        check_arguments(&document["nodeRegistration"]).map_err(misfit)?;
    }
    Ok(())
}

/// A merge patch replaces lists. For these of kubeadm's that would throw away what the cluster needs to come up, so what
/// the patch says is added to what is there.
fn keep_lists(document: &Value, patch: &mut Value) {
    let Value::Object(fields) = patch else { return };
    for (name, content) in fields {
        let present = &document[name.as_str()];
        match name.as_str() {
            "certSANs" | "skipPhases" => add_items(present, content),
            "extraArgs" | "kubeletExtraArgs" => add_arguments(present, content),
            _ => keep_lists(present, content),
        }
    }
}

fn add_items(present: &Value, content: &mut Value) {
    let (Value::Array(present), Value::Array(added)) = (present, &mut *content) else { return };
    let new: Vec<Value> = added.iter().filter(|item| !present.contains(item)).cloned().collect();
    *content = present.iter().cloned().chain(new).collect();
}

/// Arguments are told apart by their names. Up to v1beta3 they were a mapping, which most files in the world still have;
/// null takes an argument away.
fn add_arguments(present: &Value, content: &mut Value) {
    let changes: Vec<(Value, Value)> = match content {
        Value::Object(fields) => fields.iter().map(|(name, value)| (json!(name), as_text(value))).collect(),
        Value::Array(items) => items.iter().map(|item| (item["name"].clone(), as_text(&item["value"]))).collect(),
        _ => return,
    };
    let is_changed = |item: &&Value| changes.iter().any(|(name, _)| *name == item["name"]);
    let kept = present.as_array().into_iter().flatten().filter(|item| !is_changed(item)).cloned();
    let set = changes.iter().filter(|(_, value)| !value.is_null());
    let set = set.map(|(name, value)| json!({"name": name, "value": with_present(present, name, value)}));
    *content = kept.chain(set).collect();
}

/// Labels and gates of the configuration are such an argument, too; those of a patch come on top, and win where both
/// have one.
fn with_present(present: &Value, name: &Value, value: &Value) -> Value {
    let is_list = name.as_str().is_some_and(|name| LISTS.contains(&name));
    let present = present.as_array().into_iter().flatten().find(|item| is_list && item["name"] == *name);
    let (Some(present), Some(added)) = (present.and_then(|item| item["value"].as_str()), value.as_str()) else {
        return value.clone();
    };
    let key = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let is_new = |pair: &&str| !added.split(',').any(|other| key(other) == key(pair));
    let kept = present.split(',').filter(is_new);
    json!(kept.chain([added]).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(","))
}

/// kubeadm takes text only; a number or flag is meant as it is written.
fn as_text(value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => json!(value.to_string()),
        other => other.clone(),
    }
}

/// The files by which kubeadm changes the kubelet's settings on this node alone.
pub fn kubelet_patches(node: &NodeText) -> Vec<NodeFile> {
    let is_meant = |kind, is_for_others: bool| kind == DocumentKind::KubeletConfiguration && !is_for_others;
    let merge = node.patches.merge.iter().filter(|patch| is_meant(patch.kind, patch.is_for_others()));
    let json = node.patches.json.iter().filter(|patch| is_meant(patch.kind, patch.is_for_others()));
    let merge = merge.map(|patch| ("merge", to_yaml(&patch.content)));
    let json = json.map(|patch| ("json", to_yaml(&json!(patch.operations))));
    // kubeadm applies them in the order of their names.
    let file = |(index, (form, text)): (usize, (&str, String))| {
        NodeFile::public(format!("{PATCHES_FOLDER}/kubeletconfiguration{index:03}+{form}.yaml"), text)
    };
    merge.chain(json).enumerate().map(file).collect()
}
