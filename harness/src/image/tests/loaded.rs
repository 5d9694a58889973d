//! Which calls loading an image costs.

use std::{net::Ipv4Addr, path::Path, sync::Arc};

use elf::abi::EM_AARCH64;
use kind_core::{
    cluster::{Cluster, NodeRecord},
    fake_api,
    spec::{Instance, NodeName, Role},
};
use kind_engine::{FakeEngine, Outcome};

use super::samples::{Files, PLAIN, Sample};
use crate::image::{Image, ImageError};

/// A cluster of one node, as one test process after the other has it.
struct Machine {
    state: tempfile::TempDir,
    instance: Instance,
}

impl Machine {
    fn new() -> Self {
        Self { state: tempfile::tempdir().unwrap(), instance: Instance::new() }
    }

    fn cluster(&self, engine: &Arc<FakeEngine>) -> Cluster {
        let mut record = fake_api::record();
        record.instance = Some(self.instance.clone());
        let name = NodeName::existing("one".to_owned());
        record.nodes = vec![NodeRecord::new(name, Role::ControlPlane, Ipv4Addr::LOCALHOST.into())];
        Cluster::with_engine(record, engine.clone()).with_image_notes_in(&self.state.path().join("images"))
    }
}

/// An engine whose node has what it was given.
fn engine() -> Arc<FakeEngine> {
    let engine = FakeEngine::default();
    engine.when("crictl inspecti", Outcome::Print("{}".to_owned()));
    Arc::new(engine)
}

/// One whose node also says that the image is the archive's.
async fn knowing(image: &Image) -> Arc<FakeEngine> {
    let engine = engine();
    let archive = image.build().await.unwrap().archive;
    let configuration = configuration(&archive);
    engine.when("crictl inspecti", Outcome::Print(format!(r#"{{"status":{{"id":"sha256:{configuration}"}}}}"#)));
    engine
}

/// The digest of an archive's image.
fn configuration(archive: &Path) -> String {
    let mut tar = tar::Archive::new(std::fs::File::open(archive).unwrap());
    let names = tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string());
    let mut digests = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned));
    digests.find(|name| name != "manifest").unwrap()
}

fn program(files: &Files) -> Image {
    files.add("it", &PLAIN);
    Image::from_binary(files.at("it"))
}

#[tokio::test]
async fn an_image_that_is_there_costs_no_call_of_the_engine() {
    let (machine, files) = (Machine::new(), Files::new());
    let image = program(&files).env("TEST", "an_image_that_is_there");
    let first = knowing(&image).await;
    let reference = image.load_into(&machine.cluster(&first)).await.unwrap();
    assert_eq!(reference, image.build().await.unwrap().reference);
    assert!(first.calls().iter().any(|call| call == "exec one ctr --namespace k8s.io images import -"));

    let next = engine();
    assert_eq!(image.load_into(&machine.cluster(&next)).await.unwrap(), reference);
    assert_eq!(next.calls(), Vec::<String>::new());

    // Another program is another image.
    files.add("it", &Sample { libraries: &["one"], ..PLAIN });
    let changed = Image::from_binary(files.at("it"));
    let other = knowing(&changed).await;
    assert_ne!(changed.load_into(&machine.cluster(&other)).await.unwrap(), reference);
    assert!(!other.calls().is_empty());
}

#[tokio::test]
async fn under_a_tag_of_ones_own_the_nodes_are_asked_each_time() {
    let (machine, files) = (Machine::new(), Files::new());
    let image = program(&files).tag("v1");
    for _ in 0..2 {
        let engine = knowing(&image).await;
        assert_eq!(image.load_into(&machine.cluster(&engine)).await.unwrap(), "it:v1");
        assert!(engine.calls().iter().any(|call| call.ends_with("images list")));
    }
}

#[tokio::test]
async fn a_program_for_another_machine_is_refused_before_anything_is_sent() {
    let (machine, files, engine) = (Machine::new(), Files::new(), engine());
    files.add("it", &Sample { machine: EM_AARCH64, ..PLAIN });
    let image = Image::from_binary(files.at("it"));
    let error = image.load_into(&machine.cluster(&engine)).await.unwrap_err().to_string();
    assert!(error.contains("it is for arm64, the nodes are amd64; build"), "{error}");
    assert!(!engine.calls().iter().any(|call| call.contains("import")));
}

#[tokio::test]
async fn images_of_others_have_their_own_names_and_take_no_changes() {
    let (machine, files) = (Machine::new(), Files::new());
    let image = program(&files).name("example.com/it");
    let built = image.build().await.unwrap();
    let engine = knowing(&image).await;
    let cluster = machine.cluster(&engine);
    let of_archive = Image::from_archive(&built.archive);
    assert_eq!(of_archive.load_into(&cluster).await.unwrap(), built.reference);
    let refused = of_archive.env("A", "1").user("2").load_into(&cluster).await.unwrap_err().to_string();
    assert!(refused.ends_with("it is there already, so `env` cannot be said of it; say it where it is built"));
    let missing = Image::from_engine("app:1").load_into(&cluster).await.unwrap_err().to_string();
    assert!(missing.contains("the engine does not have app:1"), "{missing}");
    assert!(matches!(Image::from_engine("app:1").build().await, Err(ImageError::NotOurs { .. })));
}

#[tokio::test]
async fn somebody_elses_nodes_are_out_of_reach() {
    let files = Files::new();
    let error = program(&files).load_into(&Cluster::visit(fake_api::record())).await.unwrap_err().to_string();
    assert!(error.starts_with("reach the nodes of cluster"), "{error}");
}
