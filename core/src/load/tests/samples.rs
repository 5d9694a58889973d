//! Small archives of every form.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::load::{
    LoadError,
    archive::{Archive, digest},
};

pub(crate) const LAYERS: [&[u8]; 2] = [b"the lower layer", b"the upper layer"];

pub(crate) fn config(architecture: &str) -> String {
    let diff_ids: Vec<String> = LAYERS.iter().map(|layer| digest(layer)).collect();
    json!({"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": diff_ids}}).to_string()
}

pub(crate) fn id() -> String {
    digest(config("amd64").as_bytes())
}

/// The chain of both layers.
pub(crate) fn top() -> String {
    digest(format!("{} {}", digest(LAYERS[0]), digest(LAYERS[1])).as_bytes())
}

pub(crate) fn tar(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in entries {
        let mut header = tar::Header::new_gnu();
        if let Some(target) = content.strip_prefix(b"-> ") {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            tar.append_link(&mut header, name, std::str::from_utf8(target).unwrap()).unwrap();
        } else {
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, content.as_slice()).unwrap();
        }
    }
    tar.into_inner().unwrap()
}

/// As `docker save` wrote it before version 25: the second image shares a layer by a link.
pub(crate) fn docker_archive(architecture: &str) -> Vec<u8> {
    let config = config(architecture);
    let name = format!("{}.json", digest(config.as_bytes()).trim_start_matches("sha256:"));
    let manifest =
        json!([{"Config": name, "RepoTags": ["app:1", "example.com/app:1"], "Layers": ["a/layer.tar", "b/layer.tar"]}]);
    tar(&[
        ("a/layer.tar".into(), b"-> ../c/layer.tar".to_vec()),
        ("b/layer.tar".into(), LAYERS[1].to_vec()),
        ("c/layer.tar".into(), LAYERS[0].to_vec()),
        (name, config.into_bytes()),
        ("manifest.json".into(), manifest.to_string().into_bytes()),
    ])
}

/// An OCI layout whose index leads to one for two platforms, of which one is there.
pub(crate) fn layout() -> Vec<u8> {
    let config = config("amd64").into_bytes();
    let blob = |digest: &str| format!("blobs/sha256/{}", digest.trim_start_matches("sha256:"));
    let layers: Vec<Value> = LAYERS.iter().map(|layer| json!({"digest": digest(layer), "size": layer.len()})).collect();
    let manifest = json!({"schemaVersion": 2, "config": {"digest": digest(&config)}, "layers": layers}).to_string();
    let list = json!({"manifests": [
        {"digest": digest(b"elsewhere"), "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": digest(manifest.as_bytes()), "platform": {"os": "linux", "architecture": "amd64"}},
    ]})
    .to_string();
    let annotations = json!({"org.opencontainers.image.ref.name": "example.com/app:1"});
    let index = json!({"manifests": [{"digest": digest(list.as_bytes()), "annotations": annotations}]}).to_string();
    let mut entries = vec![("oci-layout".to_owned(), b"{}".to_vec()), ("./index.json".to_owned(), index.into_bytes())];
    for content in [config, manifest.into_bytes(), list.into_bytes(), LAYERS[0].to_vec(), LAYERS[1].to_vec()] {
        entries.push((blob(&digest(&content)), content));
    }
    tar(&entries)
}

/// An OCI layout with an image for each architecture and an attestation, all at the top. An image without an architecture
/// has null wherever something may be left out.
pub(crate) fn flat(architectures: &[Option<&str>], name: Option<&str>) -> Vec<u8> {
    let mut blobs: Vec<Vec<u8>> = Vec::new();
    let mut manifests = Vec::new();
    let mut add = |blobs: &mut Vec<Vec<u8>>, config: Value, layers: &[&[u8]], platform: Value| {
        let config = config.to_string().into_bytes();
        let said: Vec<Value> =
            layers.iter().map(|layer| json!({"digest": digest(layer), "size": layer.len()})).collect();
        let said = if said.is_empty() { Value::Null } else { Value::from(said) };
        let manifest = json!({"schemaVersion": 2, "config": {"digest": digest(&config)}, "layers": said}).to_string();
        let annotations = name.map_or(Value::Null, |name| json!({"io.containerd.image.name": name}));
        manifests
            .push(json!({"digest": digest(manifest.as_bytes()), "platform": platform, "annotations": annotations}));
        blobs.extend([config, manifest.into_bytes()]);
        blobs.extend(layers.iter().map(|layer| layer.to_vec()));
    };
    for architecture in architectures {
        let diff_ids: Vec<String> = LAYERS.iter().map(|layer| digest(layer)).collect();
        match architecture {
            Some(architecture) => {
                let config = json!({"os": "linux", "architecture": architecture, "rootfs": {"diff_ids": diff_ids}});
                add(&mut blobs, config, &LAYERS, json!({"os": "linux", "architecture": architecture}));
            }
            None => add(&mut blobs, json!({"os": null, "rootfs": {"diff_ids": null}}), &[], Value::Null),
        }
    }
    let unknown = json!({"os": "unknown", "architecture": "unknown"});
    add(&mut blobs, json!({"os": "unknown", "architecture": "unknown"}), &[], unknown);
    let index = json!({"manifests": manifests}).to_string().into_bytes();
    let path = |blob: &Vec<u8>| format!("blobs/sha256/{}", digest(blob).trim_start_matches("sha256:"));
    let mut entries: Vec<(String, Vec<u8>)> = blobs.into_iter().map(|blob| (path(&blob), blob)).collect();
    entries.push(("index.json".to_owned(), index));
    tar(&entries)
}

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(plain).unwrap();
    gzip.finish().unwrap()
}

pub(crate) fn file(content: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

pub(super) fn open(content: &[u8]) -> Result<Archive, LoadError> {
    let mut archive = Archive::open(file(content).path())?;
    archive.choose("amd64");
    Ok(archive)
}
