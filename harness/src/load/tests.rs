//! Archives of every form, what a node lacks of them, and what is sent.

use std::{collections::BTreeSet, fs, io::Write as _, path::Path};

use kind_engine::{FakeEngine, Outcome};
use serde_json::{Value, json};

use super::{
    LoadError,
    archive::{Archive, digest},
    bring::{load_archive, load_images},
    members::Members,
    node::{Need, PresentImage},
    shipment::{Lacking, pack},
};

const LAYERS: [&[u8]; 2] = [b"the lower layer", b"the upper layer"];

fn config(architecture: &str) -> String {
    let diff_ids: Vec<String> = LAYERS.iter().map(|layer| digest(layer)).collect();
    json!({"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": diff_ids}}).to_string()
}

fn id() -> String {
    digest(config("amd64").as_bytes())
}

/// The chain of both layers.
fn top() -> String {
    digest(format!("{} {}", digest(LAYERS[0]), digest(LAYERS[1])).as_bytes())
}

fn tar(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
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
fn docker_archive(architecture: &str) -> Vec<u8> {
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
fn layout() -> Vec<u8> {
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

fn file(content: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

fn open(content: &[u8]) -> Result<Archive, LoadError> {
    Archive::open(file(content).path(), "linux/amd64")
}

#[test]
fn both_forms_say_the_same() {
    let docker = open(&docker_archive("amd64")).unwrap();
    let layout = open(&layout()).unwrap();
    assert_eq!(docker.images[0].tags, ["docker.io/library/app:1", "example.com/app:1"]);
    assert_eq!(layout.images[0].tags, ["example.com/app:1"]);
    for archive in [&docker, &layout] {
        let image = &archive.images[0];
        assert_eq!((archive.images.len(), &image.id, image.platform.as_str()), (1, &id(), "linux/amd64"));
        let chains: Vec<&str> = image.layers.iter().map(|layer| layer.chain.as_str()).collect();
        assert_eq!(chains, [digest(LAYERS[0]), top()]);
        assert!(image.layers.iter().all(|layer| layer.member.is_some()));
    }
}

#[test]
fn compressed_archives_are_read() {
    let plain = docker_archive("amd64");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(plain.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
    for compressed in [gzip.finish().unwrap(), zstd] {
        assert_eq!(open(&compressed).unwrap().images[0].id, id());
    }
    let xz = open(b"\xfd7zXZ\0").unwrap_err().to_string();
    assert!(xz.contains("gzip or zstd"), "{xz}");
}

#[test]
fn what_is_no_archive_is_refused_by_name() {
    let file = file(&tar(&[("README".into(), b"text".to_vec())]));
    let error = Archive::open(file.path(), "linux/amd64").unwrap_err().to_string();
    assert!(error.contains("no manifest.json") && error.contains(&file.path().display().to_string()), "{error}");
    assert!(open(b"not a tar file at all, but long enough to look at").is_err());
    assert!(open(&[0; 1024]).is_err());
    let missing = Archive::open(Path::new("/nonexistent.tar"), "linux/amd64").unwrap_err().to_string();
    assert_eq!(missing, "read /nonexistent.tar");
    let half = &docker_archive("amd64")[..1500];
    assert!(open(half).is_err(), "a truncated archive");
}

/// What a shipment holds: the names of its members, and its index.
fn packed(archive: &Archive, has: &[&str]) -> (Vec<String>, Value) {
    let folder = tempfile::tempdir().unwrap();
    let has: BTreeSet<String> = has.iter().map(|chain| (*chain).to_owned()).collect();
    let path = pack(archive, &Lacking::of(archive, vec![0], &has), folder.path()).unwrap();
    let mut tar = tar::Archive::new(fs::File::open(&path).unwrap());
    let names = tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
    let members = Members::of(fs::File::open(&path).unwrap()).unwrap();
    let index = members.read("index.json", 10_000).unwrap().unwrap();
    (names, serde_json::from_slice(&index).unwrap())
}

#[test]
fn only_layers_that_the_node_lacks_are_sent() {
    let name = |layer: &[u8]| format!("blobs/sha256/{}", digest(layer).trim_start_matches("sha256:"));
    for archive in [open(&docker_archive("amd64")).unwrap(), open(&layout()).unwrap()] {
        let (all, index) = packed(&archive, &[]);
        assert!(all.contains(&name(LAYERS[0])) && all.contains(&name(LAYERS[1])), "{all:?}");
        assert_eq!(index["manifests"].as_array().unwrap().len(), archive.images[0].tags.len());
        let (upper, _) = packed(&archive, &[&digest(LAYERS[0])]);
        assert!(!upper.contains(&name(LAYERS[0])) && upper.contains(&name(LAYERS[1])), "{upper:?}");
        let (none, _) = packed(&archive, &[&top()]);
        assert_eq!(none.len(), 4, "layout, index, manifest and configuration: {none:?}");
    }
}

#[test]
fn a_name_that_is_missing_needs_no_import() {
    let present = [PresentImage { id: "i".into(), repo_tags: vec!["a".into(), "b".into()] }];
    let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
    assert_eq!(Need::of("i", &tags(&["a", "b"]), &present), Need::Nothing);
    assert_eq!(Need::of("i", &tags(&["c"]), &present), Need::Names { known: "a".into(), lacking: tags(&["c"]) });
    assert_eq!(Need::of("j", &tags(&["a"]), &present), Need::All);
}

fn nodes() -> Vec<String> {
    vec!["one".to_owned(), "two".to_owned()]
}

fn imports(engine: &FakeEngine) -> Vec<String> {
    engine.calls().into_iter().filter(|call| call.contains("images import")).collect()
}

#[tokio::test]
async fn each_node_gets_what_it_lacks() {
    let engine = FakeEngine::default();
    let has = json!({"images": [{"id": id(), "repoTags": ["docker.io/library/app:1"]}]});
    engine.when("exec one crictl", Outcome::Print(has.to_string()));
    let file = file(&docker_archive("amd64"));
    let loaded = load_archive(&engine, &nodes(), file.path()).await.unwrap();
    assert_eq!(loaded.images, [("docker.io/library/app:1, example.com/app:1".to_owned(), nodes())]);
    assert_eq!(imports(&engine), ["exec two ctr --namespace k8s.io images import --digests -"]);
    let tag = "exec one ctr --namespace k8s.io images tag --force docker.io/library/app:1 example.com/app:1";
    assert!(engine.calls().contains(&tag.to_owned()), "{:?}", engine.calls());
}

#[tokio::test]
async fn an_image_that_every_node_has_is_not_even_saved() {
    let engine = FakeEngine::default();
    engine.add_image("app:1", &[]);
    let has = json!({"images": [{"id": "sha256:app:1", "repoTags": ["docker.io/library/app:1"]}]});
    engine.when("crictl", Outcome::Print(has.to_string()));
    let loaded = load_images(&engine, &nodes(), &["app:1".to_owned()]).await.unwrap();
    assert_eq!(loaded.images, [("app:1".to_owned(), Vec::new())]);
    assert!(!engine.calls().iter().any(|call| call.starts_with("save") || call.contains("import")));
}

#[tokio::test]
async fn missing_images_and_other_platforms_are_named() {
    let engine = FakeEngine::default();
    let references = ["a:1".to_owned(), "b:1".to_owned()];
    let missing = load_images(&engine, &nodes(), &references).await.unwrap_err().to_string();
    assert_eq!(missing, "load images: the engine does not have a:1, b:1; build or pull them first");
    let file = file(&docker_archive("arm64"));
    let other = load_archive(&engine, &nodes(), file.path()).await.unwrap_err().to_string();
    assert!(other.contains("docker.io/library/app:1: it is for arm64, the nodes are amd64"), "{other}");
    assert!(imports(&engine).is_empty());
}

#[tokio::test]
async fn a_node_that_refuses_is_named() {
    let engine = FakeEngine::default();
    engine.when("exec two ctr --namespace k8s.io images import", Outcome::Exit(1, "no space left".to_owned()));
    let file = file(&docker_archive("amd64"));
    let error = load_archive(&engine, &nodes(), file.path()).await.unwrap_err();
    assert_eq!(error.to_string(), "load images into two");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("no space left"));
}
