//! What nodes lack, and what is done about it.

use std::{fs, path::Path};

use kind_engine::{FakeEngine, Outcome};
use serde_json::json;

use super::samples::{docker_archive, file, flat, gzip, id, layout};
use crate::load::{LoadedImage, load_archive, load_images, load_stream};

fn nodes() -> [String; 2] {
    ["one".to_owned(), "two".to_owned()]
}

fn imports(engine: &FakeEngine) -> Vec<String> {
    engine.calls().into_iter().filter(|call| call.contains("images import")).collect()
}

/// What `ctr images list` prints of an image by these names.
fn table(id: &str, names: &[&str]) -> Outcome {
    let row = |name: &str| format!("{name} application/vnd.oci.image.manifest.v1+json sha256:m 1 B linux/amd64 -");
    let rows = ["REF TYPE DIGEST SIZE PLATFORMS LABELS".to_owned(), row(id)];
    Outcome::Print(rows.into_iter().chain(names.iter().map(|name| row(name))).collect::<Vec<_>>().join("\n"))
}

/// An engine whose nodes' container runtimes know the image as soon as they are asked.
fn engine() -> FakeEngine {
    let engine = FakeEngine::default();
    engine.when("crictl inspecti", Outcome::Print(json!({"status": {"id": id()}}).to_string()));
    engine
}

fn loaded(image: &str, names: &[&str], nodes: &[&str]) -> LoadedImage {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    LoadedImage { image: image.to_owned(), names: owned(names), nodes: owned(nodes) }
}

const NAMES: [&str; 2] = ["docker.io/library/app:1", "example.com/app:1"];

#[tokio::test]
async fn each_node_gets_what_it_lacks() {
    let engine = engine();
    engine.when("exec one ctr --namespace k8s.io images list", table(&id(), &NAMES[..1]));
    let file = file(&docker_archive("amd64"));
    let found = load_archive(&engine, &nodes(), file.path()).await.unwrap();
    assert_eq!(found.images, [loaded("docker.io/library/app:1, example.com/app:1", &NAMES, &["one", "two"])]);
    assert_eq!(imports(&engine), ["exec two ctr --namespace k8s.io images import -"]);
    let tag = format!("exec one ctr --namespace k8s.io images tag --force {} example.com/app:1", id());
    assert!(engine.calls().contains(&tag), "{:?}", engine.calls());
}

#[tokio::test]
async fn where_nothing_is_lacking_nothing_is_locked_asked_or_sent() {
    let engine = engine();
    engine.when("images list", table(&id(), &NAMES));
    let file = file(&docker_archive("amd64"));
    // Somebody else imports it right now.
    let _held = fs::File::open(file.path()).map(|file| file.lock().map(|()| file)).unwrap().unwrap();
    let found = load_archive(&engine, &nodes(), file.path()).await.unwrap();
    assert_eq!(found.images[0].nodes, Vec::<String>::new());
    let looks = nodes().map(|node| format!("exec {node} ctr --namespace k8s.io images list"));
    assert_eq!(engine.calls(), looks);
}

#[tokio::test]
async fn an_image_that_every_node_has_is_not_even_saved() {
    let engine = FakeEngine::default();
    engine.add_image("app:1", &[]);
    engine.when("images list", table("sha256:app:1", &NAMES[..1]));
    let found = load_images(&engine, &nodes(), &["app:1".to_owned()]).await.unwrap();
    assert_eq!(found.images, [loaded("app:1", &NAMES[..1], &[])]);
    // With containerd's image store the ID is that of a list of manifests.
    engine.change_image("app:1", |image| image.id = "sha256:list".to_owned());
    engine.when("manifests sha256:list", Outcome::Print("sha256:list sha256:m".to_owned()));
    let found = load_images(&engine, &nodes(), &["app:1".to_owned()]).await.unwrap();
    assert_eq!(found.images, [loaded("app:1", &NAMES[..1], &[])]);
    assert!(!engine.calls().iter().any(|call| call.starts_with("save") || call.contains("import")));
}

#[tokio::test]
async fn an_image_that_is_there_is_named_by_its_id() {
    let engine = engine();
    engine.add_image("docker.io/app:2", &[]);
    engine.change_image("docker.io/app:2", |image| image.id = id());
    // What an older version of ours called it.
    engine.when("images list", table(&id(), &["docker.io/app:2"]));
    let found = load_images(&engine, &["one".to_owned()], &["docker.io/app:2".to_owned()]).await.unwrap();
    assert_eq!(found.images, [loaded("docker.io/app:2", &["docker.io/library/app:2"], &["one"])]);
    let tag = format!("exec one ctr --namespace k8s.io images tag --force {} docker.io/library/app:2", id());
    assert!(engine.calls().contains(&tag), "{:?}", engine.calls());
}

#[tokio::test]
async fn a_stream_is_read_to_its_end() {
    for bytes in [docker_archive("amd64"), gzip(&layout())] {
        let engine = engine();
        let stream = std::io::Cursor::new(bytes);
        let found = load_stream(&engine, &nodes(), stream, Path::new("standard input")).await.unwrap();
        assert_eq!((found.images.len(), imports(&engine).len()), (1, 2));
    }
    let error = load_stream(&engine(), &nodes(), std::io::empty(), Path::new("standard input")).await.unwrap_err();
    assert!(error.to_string().starts_with("read image archive standard input: it is empty"), "{error}");
}

#[tokio::test]
async fn what_no_pod_can_use_is_not_loaded() {
    let engine = FakeEngine::default();
    let error = load_archive(&engine, &nodes(), file(&flat(&[Some("amd64")], None)).path()).await.unwrap_err();
    assert!(error.to_string().contains("docker save NAME:TAG"), "{error}");
    assert!(engine.calls().is_empty(), "{:?}", engine.calls());
}

#[tokio::test(start_paused = true)]
async fn what_the_container_runtime_does_not_know_is_an_error() {
    let engine = FakeEngine::default();
    engine.when("crictl inspecti", Outcome::Exit(1, "no such image".to_owned()));
    let error = load_archive(&engine, &nodes(), file(&docker_archive("amd64")).path()).await.unwrap_err().to_string();
    assert!(error.ends_with("has it, but its container runtime cannot use it: no such image"), "{error}");
}

#[tokio::test]
async fn missing_images_and_other_platforms_are_named() {
    let engine = FakeEngine::default();
    let references = ["a:1".to_owned(), "b:1".to_owned()];
    let missing = load_images(&engine, &nodes(), &references).await.unwrap_err().to_string();
    assert_eq!(missing, "load images: the engine does not have a:1, b:1; build or pull them first");
    let file = file(&docker_archive("arm64"));
    let other = load_archive(&engine, &nodes(), file.path()).await.unwrap_err().to_string();
    assert!(
        other.contains("docker.io/library/app:1, example.com/app:1: it is for arm64, the nodes are amd64"),
        "{other}"
    );
    assert!(imports(&engine).is_empty());
}

#[tokio::test]
async fn a_node_that_refuses_is_named() {
    let engine = engine();
    engine.when("exec two ctr --namespace k8s.io images import", Outcome::Exit(1, "no space left".to_owned()));
    let file = file(&docker_archive("amd64"));
    let error = load_archive(&engine, &nodes(), file.path()).await.unwrap_err();
    assert_eq!(error.to_string(), "load images into two");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("no space left"));
}
