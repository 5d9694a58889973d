//! A node's containerd configuration with the user's patches.
//!
//! Most patches in the world are written for version 2 of that configuration, where everything of Kubernetes was one
//! plugin. containerd 2 reads version 3 and ignores them; here their settings move to where version 3 has them. The
//! moves are those of containerd's own migration (`plugins/cri` of containerd 2, `configMigration`).

use std::collections::BTreeMap;

use kind_engine::NodeFile;
use serde_json::{Map, Value, json};

use super::patches::PatchError;
use crate::spec::{ContainerdPatches, FieldPath};

/// Where a node has it.
pub const CONTAINERD_PATH: &str = "/etc/containerd/config.toml";
/// Where containerd looks for registries' mirrors.
const HOSTS_FOLDER: &str = "/etc/containerd/certs.d";

/// The one plugin of version 2; in version 3 it only serves.
const CRI: &str = "io.containerd.grpc.v1.cri";
const IMAGES: &str = "io.containerd.cri.v1.images";
const RUNTIME: &str = "io.containerd.cri.v1.runtime";

/// What the one plugin still has in version 3.
const OF_SERVER: [&str; 6] = [
    "disable_tcp_service",
    "stream_server_address",
    "stream_server_port",
    "stream_idle_timeout",
    "enable_tls_streaming",
    "x509_key_pair_streaming",
];
/// What the images' plugin has in version 3, by the same names.
const OF_IMAGES: [&str; 6] = [
    "registry",
    "image_decryption",
    "max_concurrent_downloads",
    "image_pull_progress_timeout",
    "image_pull_with_sync_fs",
    "stats_collect_period",
];
/// What moves from `containerd` of the one plugin to the images' plugin.
const OF_SNAPSHOTS: [&str; 3] = ["snapshotter", "disable_snapshot_annotations", "discard_unpacked_layers"];

/// The configuration with the patches, and the files that go with it. `present` is what the node has.
///
/// # Errors
/// When a patch cannot be applied, or `present` is not containerd's.
pub fn containerd(present: &str, patches: &ContainerdPatches) -> Result<Vec<NodeFile>, PatchError> {
    let top = FieldPath::default();
    let list = top.field("containerdConfigPatches");
    let mut config = parse(present).map_err(|problem| {
        PatchError::new(list.clone(), format!("{CONTAINERD_PATH} of the node image is not readable: {problem}"))
    })?;
    let version = config["version"].as_i64().unwrap_or(1);
    let mut mirrors = BTreeMap::new();
    let parsed: Vec<Value> = patches
        .merge
        .iter()
        .enumerate()
        .map(|(index, text)| parse(text).map_err(|problem| PatchError::new(list.item(index), problem)))
        .collect::<Result<_, _>>()?;
    let left_out = others(&parsed, version);
    for (index, mut patch) in parsed.into_iter().enumerate() {
        if left_out.contains(&index) {
            continue;
        }
        if version == 3 && patch["version"] != version {
            modernise(&mut patch);
        }
        if version == 3 {
            take_mirrors(&mut patch, &mut mirrors).map_err(|problem| PatchError::new(list.item(index), problem))?;
        }
        json_patch::merge(&mut config, &patch);
    }
    for (index, patch) in patches.json.iter().enumerate() {
        // Not undone where it fails, as with kubeadm's documents.
        json_patch::patch_unsafe(&mut config, patch).map_err(|error| {
            let path = top.field("containerdConfigPatchesJSON6902").item(index);
            PatchError::new(path, format!("cannot be applied to containerd's configuration: {error}"))
        })?;
    }
    let text = toml::to_string(&config).map_err(|error| {
        PatchError::new(top.field("containerdConfigPatchesJSON6902"), format!("the result is not TOML: {error}"))
    })?;
    let mut files = vec![NodeFile::public(CONTAINERD_PATH, text)];
    files.extend(mirrors.iter().map(|(host, endpoints)| hosts_file(host, endpoints)));
    Ok(files)
}

/// The patches that are for another version. kind's users write one for each version, and those for others are not meant;
/// without one for this version, those for version 2 are.
fn others(patches: &[Value], version: i64) -> Vec<usize> {
    let are_alternatives = patches.iter().any(|patch| patch["version"] == version);
    let is_other = |patch: &Value| match patch["version"].as_i64() {
        Some(2) if version == 3 => are_alternatives,
        Some(other) => other != version,
        None => false,
    };
    patches.iter().enumerate().filter(|(_, patch)| is_other(patch)).map(|(index, _)| index).collect()
}

/// Which patches nodes of ours leave out, in words. Those that cannot be read are errors elsewhere.
pub(super) fn left_out(patches: &ContainerdPatches) -> Vec<String> {
    let version = parse(kind_images::containerd_configuration()).ok().and_then(|config| config["version"].as_i64());
    let parsed: Result<Vec<Value>, String> = patches.merge.iter().map(|text| parse(text)).collect();
    let (Some(version), Ok(parsed)) = (version, parsed) else { return Vec::new() };
    let words = |index: usize| {
        let of = &parsed[index]["version"];
        format!(
            "containerdConfigPatches[{index}] is left out: it is for version {of} of containerd's configuration, nodes have {version}"
        )
    };
    others(&parsed, version).into_iter().map(words).collect()
}

/// A TOML text as a tree of values.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let table: toml::Table = toml::from_str(text).map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        format!("line {line}: {}", error.message())
    })?;
    serde_json::to_value(table).map_err(|error| error.to_string())
}

/// Moves the settings of version 2's one plugin to where version 3 has them; what is there already wins.
fn modernise(patch: &mut Value) {
    if let Some(fields) = patch.as_object_mut() {
        fields.remove("version");
    }
    let Some(plugins) = patch.get_mut("plugins").and_then(Value::as_object_mut) else { return };
    let Some(Value::Object(cri)) = plugins.remove(CRI) else { return };
    let (mut server, mut images, mut runtime) = (Map::new(), Map::new(), Map::new());
    for (name, value) in cri {
        match (name.as_str(), value) {
            ("sandbox_image", value) => _ = images.insert("pinned_images".to_owned(), json!({"sandbox": value})),
            ("containerd", Value::Object(fields)) => {
                let (moved, kept) = fields.into_iter().partition(|(name, _)| OF_SNAPSHOTS.contains(&name.as_str()));
                images.extend::<Map<String, Value>>(moved);
                runtime.insert(name, Value::Object(with_sandboxers(kept)));
            }
            ("cni", Value::Object(mut fields)) => {
                if let Some(folder) = fields.remove("bin_dir") {
                    fields.entry("bin_dirs").or_insert(json!([folder]));
                }
                runtime.insert(name, Value::Object(fields));
            }
            (field, value) if OF_SERVER.contains(&field) => _ = server.insert(name, value),
            (field, value) if OF_IMAGES.contains(&field) => _ = images.insert(name, value),
            (_, value) => _ = runtime.insert(name, value),
        }
    }
    for (plugin, moved) in [(CRI, server), (IMAGES, images), (RUNTIME, runtime)] {
        if moved.is_empty() {
            continue;
        }
        let mut merged = Value::Object(moved);
        if let Some(present) = plugins.get(plugin) {
            json_patch::merge(&mut merged, present);
        }
        plugins.insert(plugin.to_owned(), merged);
    }
}

/// Runtimes' `sandbox_mode` is called `sandboxer` in version 3.
fn with_sandboxers(mut containerd: Map<String, Value>) -> Map<String, Value> {
    let runtimes = containerd.get_mut("runtimes").and_then(Value::as_object_mut);
    for runtime in runtimes.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
        if let Some(mode) = runtime.remove("sandbox_mode") {
            runtime.entry("sandboxer").or_insert(mode);
        }
    }
    containerd
}

/// Takes `registry.mirrors` out of a patch: containerd refuses them beside `config_path`, which nodes have set, and
/// means the same by a file in that folder.
fn take_mirrors(patch: &mut Value, mirrors: &mut BTreeMap<String, Vec<String>>) -> Result<(), String> {
    let registry = patch.pointer_mut(&format!("/plugins/{IMAGES}/registry")).and_then(Value::as_object_mut);
    let Some(registry) = registry else { return Ok(()) };
    if registry.contains_key("configs") || registry.contains_key("auths") {
        return Err(format!(
            "registry.configs and registry.auths: containerd 2 no longer takes them here; mount a folder with a \
             hosts.toml for each registry at {HOSTS_FOLDER} instead (extraMounts)"
        ));
    }
    let Some(Value::Object(found)) = registry.remove("mirrors") else { return Ok(()) };
    for (host, mirror) in found {
        let endpoints = match &mirror["endpoint"] {
            // As in version 2: without endpoints there is nothing but the registry itself.
            Value::Null => Some(Vec::new()),
            Value::Array(list) => list.iter().map(|endpoint| endpoint.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        let known = mirror.as_object().is_some_and(|fields| fields.keys().all(|field| field == "endpoint"));
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        match endpoints {
            Some(endpoints) if known && !host.is_empty() && (host == "*" || host.bytes().all(is_host)) => {
                if !endpoints.is_empty() {
                    mirrors.insert(host, endpoints);
                }
            }
            _ => return Err(format!("registry.mirrors.{host:?}: expected a host and `endpoint = [\"http://…\"]`")),
        }
    }
    Ok(())
}

/// What containerd reads about one registry. The registry itself is asked last, as without the file.
fn hosts_file(host: &str, endpoints: &[String]) -> NodeFile {
    let folder = if host == "*" { "_default" } else { host };
    let host = |endpoint: &String| {
        let key = toml::Value::String(endpoint.clone());
        format!("[host.{key}]\ncapabilities = [\"pull\", \"resolve\"]\n")
    };
    let text: Vec<String> = endpoints.iter().map(host).collect();
    NodeFile::public(format!("{HOSTS_FOLDER}/{folder}/hosts.toml"), text.join("\n"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn patched(merge: &[&str], json: &str) -> Result<Vec<NodeFile>, PatchError> {
        let merge = merge.iter().map(|text| (*text).to_owned()).collect();
        let json = if json.is_empty() { Vec::new() } else { vec![serde_json::from_str(json).unwrap()] };
        containerd(kind_images::containerd_configuration(), &ContainerdPatches { merge, json })
    }

    fn config(files: &[NodeFile]) -> Value {
        parse(std::str::from_utf8(&files[0].content).unwrap()).unwrap()
    }

    #[test]
    fn golden_for_patches_of_every_kind() {
        let merge = [
            "[plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"localhost:5001\"]\nendpoint = [\"http://registry:5000\"]",
            "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd]\nsnapshotter = \"native\"\n\
             [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.other]\nruntime_type = \"x\"",
        ];
        let files = patched(&merge, r#"[{"op": "add", "path": "/debug", "value": {"level": "debug"}}]"#).unwrap();
        let text: Vec<String> =
            files.iter().map(|file| format!("=== {}\n{}", file.path, String::from_utf8_lossy(&file.content))).collect();
        kind_testkit::assert_golden("tests/golden/containerd.txt", &text.join(""));
    }

    #[rstest]
    #[case::registry("registry = {config_path = \"/x\"}", "/plugins/io.containerd.cri.v1.images/registry/config_path", json!("/x"))]
    #[case::snapshotter("containerd = {snapshotter = \"native\"}", "/plugins/io.containerd.cri.v1.images/snapshotter", json!("native"))]
    #[case::pause("sandbox_image = \"p:1\"", "/plugins/io.containerd.cri.v1.images/pinned_images/sandbox", json!("p:1"))]
    #[case::downloads("max_concurrent_downloads = 9", "/plugins/io.containerd.cri.v1.images/max_concurrent_downloads", json!(9))]
    #[case::runtime("containerd = {runtimes = {runc = {sandbox_mode = \"shim\"}}}", "/plugins/io.containerd.cri.v1.runtime/containerd/runtimes/runc/sandboxer", json!("shim"))]
    #[case::cni("cni = {bin_dir = \"/b\"}", "/plugins/io.containerd.cri.v1.runtime/cni/bin_dirs", json!(["/b"]))]
    #[case::other("enable_cdi = false", "/plugins/io.containerd.cri.v1.runtime/enable_cdi", json!(false))]
    #[case::server("stream_server_port = \"9\"", "/plugins/io.containerd.grpc.v1.cri/stream_server_port", json!("9"))]
    fn settings_of_version_2_move(#[case] field: &str, #[case] place: &str, #[case] expected: Value) {
        let (name, value) = field.split_once(" = ").unwrap();
        let text = format!("plugins.\"io.containerd.grpc.v1.cri\".{name} = {value}");
        let found = config(&patched(&[&text], "").unwrap());
        assert_eq!(found.pointer(place), Some(&expected), "{found:#}");
        assert_eq!(
            found.pointer("/plugins/io.containerd.cri.v1.runtime/containerd/default_runtime_name"),
            Some(&json!("runc"))
        );
    }

    #[test]
    fn a_mirror_without_endpoints_is_the_registry_itself() {
        let table = "[plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"x\"]";
        for text in [table.to_owned(), format!("{table}\nendpoint = []")] {
            let files = patched(&[&text], "").unwrap();
            assert_eq!(files.len(), 1, "{text}");
            assert_eq!(config(&files), config(&patched(&[], "").unwrap()), "{text}");
        }
    }

    #[test]
    fn patches_for_other_versions_are_left_out() {
        let mode = |version: u8, level: &str| format!("version = {version}\n[debug]\nlevel = {level:?}");
        let level = |texts: &[&str]| config(&patched(texts, "").unwrap())["debug"]["level"].clone();
        assert_eq!(level(&[&mode(1, "one")]), Value::Null);
        assert_eq!(level(&[&mode(2, "two")]), "two");
        assert_eq!(level(&[&mode(3, "three"), &mode(2, "two")]), "three");
        let patches = ContainerdPatches { merge: vec![mode(3, "three"), mode(2, "two")], json: Vec::new() };
        let expected =
            "containerdConfigPatches[1] is left out: it is for version 2 of containerd's configuration, nodes have 3";
        assert_eq!(left_out(&patches), [expected]);
    }

    #[test]
    fn the_entry_point_still_finds_the_line_that_it_edits() {
        let files = patched(&["[debug]\nlevel = \"debug\""], "").unwrap();
        let text = String::from_utf8_lossy(&files[0].content).into_owned();
        assert!(text.lines().any(|line| line == "restrict_oom_score_adj = false"), "{text}");
    }

    #[rstest]
    #[case("a = ", "", "containerdConfigPatches[0]: line 1: ")]
    #[case(
        "plugins.\"io.containerd.grpc.v1.cri\".registry.configs.x.auth = {}",
        "",
        "registry.configs and registry.auths"
    )]
    #[case(
        "plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.x.endpoint = \"y\"",
        "",
        "registry.mirrors.\"x\": expected"
    )]
    #[case(
        "plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.x.endpoints = [\"y\"]",
        "",
        "registry.mirrors.\"x\": expected"
    )]
    #[case("plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"../x\".endpoint = [\"y\"]", "", "expected a host")]
    #[case("", r#"[{"op": "remove", "path": "/no"}]"#, "containerdConfigPatchesJSON6902[0]: cannot be applied")]
    #[case(
        "",
        r#"[{"op": "add", "path": "/no", "value": null}]"#,
        "containerdConfigPatchesJSON6902: the result is not TOML"
    )]
    fn what_cannot_be_applied_is_named(#[case] merge: &str, #[case] json: &str, #[case] words: &str) {
        let error = patched(&[merge], json).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
