//! The top of a configuration: text to [`ClusterSpec`].

use std::path::Path;

use serde_yaml::Value;

use super::{
    error::{ConfigError, Mistake, Problem},
    extension, networking,
    node::{self, Claims},
    patches,
    path::FieldPath,
    reader::{Field, Object, Reader},
    size,
};
use crate::spec::{ClusterSpec, SpecError};

const API_VERSION: &str = "kind.x-k8s.io/v1alpha4";
const KIND: &str = "Cluster";

const FIELDS: &[&str] = &[
    "kind",
    "apiVersion",
    "name",
    "nodes",
    "networking",
    "featureGates",
    "runtimeConfig",
    "kubeadmConfigPatches",
    "kubeadmConfigPatchesJSON6902",
    "containerdConfigPatches",
    "containerdConfigPatchesJSON6902",
];

impl ClusterSpec {
    /// Reads kind's v1alpha4 configuration, or our own, which has more fields. `origin` is named in errors, and relative host paths are relative to its
    /// folder, so it should be absolute.
    ///
    /// The defaults are kind's, but for one: a port mapping without `listenAddress` listens on 127.0.0.1, not on every
    /// address of the machine.
    ///
    /// # Errors
    /// Every mistake of the text: unknown and unsupported fields, wrong types, values out of range, and what
    /// [`ClusterSpec::validate`] refuses.
    pub fn from_yaml(text: &str, origin: &Path) -> Result<Self, ConfigError> {
        // Editors of other systems put a mark in front that the YAML parser takes for a document.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let written = parse(text).map_err(|error| syntax(&error, origin))?;
        let mut tree = written.clone();
        tree.apply_merge().map_err(|error| syntax(&error, origin))?;
        let reader = Reader::new(text, &written);
        let spec = read(&reader.top(&tree), &reader, origin.parent().unwrap_or(Path::new("")));
        reader.finish(origin)?;
        Ok(spec)
    }
}

/// The tree as it is written, with `<<` for what is merged in.
fn parse(text: &str) -> Result<Value, serde_yaml::Error> {
    size::check(text)?;
    serde_yaml::from_str(text)
}

fn syntax(error: &serde_yaml::Error, origin: &Path) -> ConfigError {
    let position = error.location().map(|place| (place.line(), place.column()));
    let message = error.to_string();
    // The parser ends its message with the place, which is printed in front already.
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(words, _)| words).to_owned();
    let problem = Problem { position, path: FieldPath::default(), mistake: Mistake::Syntax { message } };
    ConfigError { origin: origin.to_owned(), problems: vec![problem] }
}

/// What could be read; the mistakes are in the reader.
fn read(top: &Field<'_>, reader: &Reader<'_>, folder: &Path) -> ClusterSpec {
    let mut spec = ClusterSpec::empty();
    if !is_cluster(top, reader) {
        return spec;
    }
    let Some(object) = top.extended_object(FIELDS, extension::CLUSTER_FIELDS) else { return spec };
    spec.name = object.get("name").and_then(|name| name.text()).filter(|name| !name.is_empty());
    let mut claims = Claims::default();
    if let Some(networking) = object.get("networking") {
        spec.networking = networking::read(&networking);
        claims.networking(&spec.networking, networking.path.field("apiServerPort"));
    }
    for item in object.get("nodes").map(|nodes| nodes.items()).unwrap_or_default() {
        spec.nodes.extend(node::read(&item, folder, &mut claims));
    }
    if spec.nodes.is_empty() && !reader.found_mistakes() {
        spec = spec.control_planes(1);
    }
    read_feature_gates(&object, &mut spec);
    read_runtime_config(&object, &mut spec);
    spec.kubeadm_patches = patches::read_kubeadm(&object);
    spec.containerd_patches = patches::read_containerd(&object);
    extension::read_cluster(&object, folder, &mut claims, &mut spec);
    validate(&spec, reader);
    spec
}

/// Whether the text says that it is a configuration of this kind; where it is not, its fields mean nothing.
fn is_cluster(top: &Field<'_>, reader: &Reader<'_>) -> bool {
    let Value::Mapping(mapping) = top.value else {
        top.refuse_type("a mapping with `kind: Cluster` and `apiVersion: kind.x-k8s.io/v1alpha4`");
        return false;
    };
    let mut all_right = true;
    for (name, wanted) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        let found = mapping.get(name);
        let text = found.and_then(Value::as_str);
        if name == "apiVersion" && text == Some(extension::API_VERSION) {
            reader.extend();
            continue;
        }
        if text == Some(wanted) {
            continue;
        }
        all_right = false;
        let absent = found.is_none_or(Value::is_null);
        top.refuse_child(name, if absent { Mistake::Missing { expected: wanted } } else { wrong(found, wanted) });
    }
    all_right
}

fn wrong(found: Option<&Value>, expected: &'static str) -> Mistake {
    Mistake::Wrong { found: super::reader::describe(found.unwrap_or(&Value::Null)), expected }
}

fn read_feature_gates(object: &Object<'_>, spec: &mut ClusterSpec) {
    for (name, gate) in object.get("featureGates").map(|gates| gates.entries()).unwrap_or_default() {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            gate.refuse_name(Mistake::Wrong { found: format!("{name:?}"), expected: "a feature gate's name" });
        } else if let Some(on) = gate.flag() {
            spec.feature_gates.insert(name, on);
        }
    }
}

/// Names and values end up in a comma separated argument of the API server.
fn read_runtime_config(object: &Object<'_>, spec: &mut ClusterSpec) {
    let is_part = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./-".contains(&byte));
    for (name, setting) in object.get("runtimeConfig").map(|config| config.entries()).unwrap_or_default() {
        if name.is_empty() || !is_part(&name) {
            let expected = "an API group and version, such as api/all or apps/v1";
            setting.refuse_name(Mistake::Wrong { found: format!("{name:?}"), expected });
        } else if let Some(value) = setting.checked_text("\"true\" or \"false\"", is_part) {
            spec.runtime_config.insert(name, value);
        }
    }
}

/// Mistakes that only show in the whole.
fn validate(spec: &ClusterSpec, reader: &Reader<'_>) {
    let incomplete = reader.found_mistakes();
    let top = FieldPath::default();
    for error in spec.validate().err().unwrap_or_default() {
        let path = match &error {
            SpecError::Subnet { field, .. } | SpecError::Overlap { field, .. } => top.field("networking").field(field),
            // How many nodes there are is only known where all could be read.
            SpecError::FewPods { .. } if !incomplete => top.field("networking").field("podSubnet"),
            SpecError::Name(_) | SpecError::LongName(_) => top.field("name"),
            // What could not be read may be just what is missing.
            _ if incomplete => continue,
            _ => top.field("nodes"),
        };
        reader.refuse(path, Mistake::Spec(error));
    }
    if !reader.found_mistakes() {
        for error in crate::render::check_patches(spec) {
            reader.refuse(error.path, Mistake::Patch { problem: error.problem });
        }
    }
}
