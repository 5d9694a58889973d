//! Builds with programs and an engine that stand in for the real ones.

use std::{fs, sync::Mutex};

use async_trait::async_trait;
use kind_engine::{FakeEngine, Outcome};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    Silent,
    command::{CommandFailure, HostCommand, OnLine},
};

/// Stands in for compilers: writes what they would have written, and fails where a command names `broken`.
#[derive(Default)]
struct FakeTools {
    broken: Mutex<Option<&'static str>>,
    ran: Mutex<Vec<String>>,
    /// What programs of a folder of sources are made of.
    content: Mutex<String>,
}

#[async_trait]
impl Runner for FakeTools {
    async fn run(
        &self,
        command: &HostCommand,
        _: &Path,
        _: OnLine<'_>,
        _: &CancellationToken,
    ) -> Result<String, CommandFailure> {
        let text = command.display();
        self.ran.lock().unwrap().push(text.clone());
        if self.broken.lock().unwrap().is_some_and(|part| text.contains(part)) {
            return Err(CommandFailure::Failed { outcome: "exit status: 1".into(), tail: "no such package".into() });
        }
        if text.contains("mod download") {
            let module = command.folder.join("upstream");
            fs::write(&module, "require (\na v1\n)\nreplace a => ./staging/a\n").unwrap();
            fs::write(command.folder.join("LICENSE"), "do what you like").unwrap();
            let version = text.rsplit('@').next().unwrap();
            let sum = crate::sums::of("k8s.io/kubernetes", version).unwrap();
            let sum = if *self.content.lock().unwrap() == "another module" { "h1:x=" } else { sum };
            return Ok(serde_json::json!({ "GoMod": module, "Dir": command.folder, "Sum": sum }).to_string());
        }
        if text.starts_with("go build")
            && text.contains("opencontainers/runc")
            && *self.content.lock().unwrap() == "needs more"
        {
            let more = fs::read_to_string(command.folder.join("go.sum")).unwrap() + "example.com/a v1.0.0 h1:x=\n";
            fs::write(command.folder.join("go.sum"), more).unwrap();
        }
        if let Some(tar) = command.arguments.iter().find(|word| word.ends_with("/rootfs.tar")) {
            fs::write(tar, "").unwrap();
        }
        if text.contains("./cmd/kubeadm") {
            let output = Path::new(command.arguments.iter().skip_while(|word| *word != "-o").nth(1).unwrap());
            for program in ["kubeadm", "kubelet", "kubectl"] {
                fs::write(output.join(program), "program").unwrap();
            }
            for program in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"] {
                fs::write(output.join(program), self.content.lock().unwrap().as_str()).unwrap();
            }
        }
        if text.starts_with("gcc") && text.contains("pause") {
            fs::write(command.folder.join("pause"), "program").unwrap();
        }
        Ok(match text.as_str() {
            "go version" => "go version go1.26.8 linux/amd64".into(),
            "git rev-parse HEAD" => "0123abc\n".into(),
            _ if text.starts_with("git describe") => "v1.38.0-alpha.1-5-g0123abc-dirty\n".into(),
            _ if text.contains("--show-toplevel") => command.folder.display().to_string(),
            _ => String::new(),
        })
    }
}

impl FakeTools {
    /// How many `go build` of that package ran.
    fn builds(&self, package: &str) -> usize {
        let ran = self.ran.lock().unwrap();
        ran.iter().filter(|text| text.starts_with("go build") && text.contains(package)).count()
    }
}

/// Builds as far as the engine of the tests lets it.
async fn fail(options: &BuildOptions, tools: &FakeTools) -> String {
    let engine = engine(&BuildOptions::new("/nonexistent"));
    let tags = ["coredns/coredns:v1.11.9", "pause:3.99", "etcd:3.6.99-0"].map(|tag| format!("registry.k8s.io/{tag}\n"));
    engine.when("kubeadm config images list", Outcome::Print(tags.concat()));
    engine.when("run kind-rs-build-kubernetes", Outcome::Print(String::new()));
    let error = build_with(&engine, options, &Silent, tools).await.unwrap_err();
    assert!(engine.left().is_empty(), "containers are left: {:?}", engine.left());
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    format!("{error}: {source}")
}

#[tokio::test]
async fn a_build_that_is_stopped_removes_its_container() {
    let folder = tempfile::tempdir().unwrap();
    let options = BuildOptions::new(folder.path());
    let engine = FakeEngine::default();
    engine.add_image(&base_image_reference(options.release), &[]);
    engine.when("collect-base-tools", Outcome::Hang);
    let tools = FakeTools::default();
    let build = build_with(&engine, &options, &Silent, &tools);
    let stopped = async {
        while !engine.calls().iter().any(|call| call.contains("collect-base-tools")) {
            tokio::task::yield_now().await;
        }
        options.stop.cancel();
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        outcome = build => outcome.unwrap_err(),
        () = stopped => unreachable!("it is never done"),
    };
    assert!(matches!(error, BuildError::Stopped { step: Step::PodImages }), "{error}");
    assert!(engine.left().is_empty(), "containers are left: {:?}", engine.left());
}

/// An engine that has the base image, and refuses to run the container that follows the components.
fn engine(options: &BuildOptions) -> FakeEngine {
    let engine = FakeEngine::default();
    engine.add_image(&base_image_reference(options.release), &[]);
    engine.when("run kind-rs-build", Outcome::Refuse("no room".into()));
    engine
}

#[tokio::test]
async fn unchanged_inputs_ask_the_engine_one_question() {
    let options = BuildOptions::new("/nonexistent/never/created");
    let engine = FakeEngine::default();
    let reference = node_image_reference(options.release);
    engine.add_image(&reference, &[]);
    assert_eq!(build(&engine, &options, &Silent).await.unwrap(), reference);
    assert_eq!(engine.calls(), [format!("image {reference}")]);
}

#[tokio::test]
async fn a_build_that_failed_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let options = BuildOptions::new(folder.path());
    let (engine, tools) = (engine(&options), FakeTools::default());
    *tools.broken.lock().unwrap() = Some("opencontainers/runc");
    let error = build_with(&engine, &options, &Silent, &tools).await.unwrap_err();
    assert!(error.to_string().starts_with("runc: `go build"), "{error}");
    assert!(error.to_string().contains("\n    no such package"), "{error}");

    *tools.broken.lock().unwrap() = None;
    let error = build_with(&engine, &options, &Silent, &tools).await.unwrap_err();
    assert_eq!(error.to_string(), "static pod images: the container engine failed");
    assert_eq!(tools.builds("k8s.io/kubernetes/cmd/kubelet"), 1, "Kubernetes was built again");
    assert_eq!(tools.builds("opencontainers/runc"), 2);
    assert_eq!(tools.builds("local-path-provisioner"), 1);
    assert!(engine.left().is_empty(), "containers are left: {:?}", engine.left());
}

#[tokio::test]
async fn an_archives_programs_take_the_place_of_the_modules() {
    let folder = tempfile::tempdir().unwrap();
    let archive = crate::source::test_archive(folder.path(), "v1.36.7");
    let source = Source::Archive(archive.clone());
    let options = BuildOptions { source, ..BuildOptions::new(folder.path().join("cache")) };
    let tools = FakeTools::default();
    let error = fail(&options, &tools).await;
    assert!(error.starts_with("static pod images: the container engine failed"), "{error}");
    assert_eq!(tools.builds("k8s.io/kubernetes/cmd/kubelet"), 0);
    assert_eq!(tools.builds("opencontainers/runc"), 1);
    let ran = |part: &str| tools.ran.lock().unwrap().iter().filter(|text| text.contains(part)).count();
    assert_eq!(ran("config images list"), 0, "a program that is not ours ran on this machine");

    // Unpacked once, and still only what it has to be.
    fail(&options, &tools).await;
    assert_eq!(ran("gcc -Os"), 1, "the programs were unpacked again");
    let checksum = "ab".repeat(32).parse().unwrap();
    let error = fail(&BuildOptions { checksum: Some(checksum), ..options.clone() }, &tools).await;
    assert!(error.contains("a.tar.gz: expected sha256:abab"), "{error}");
    fs::write(folder.path().join("a.tar.gz.sha256"), "cd".repeat(32)).unwrap();
    assert!(fail(&options, &tools).await.contains("expected sha256:cdcd"));
}

#[tokio::test]
async fn a_folder_of_sources_is_built_each_time_and_its_result_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let sources = folder.path().join("sources");
    fs::create_dir(&sources).unwrap();
    let source = Source::Checkout(sources.clone());
    let options = BuildOptions { source, ..BuildOptions::new(folder.path().join("cache")) };
    let tools = FakeTools::default();
    assert!(fail(&options, &tools).await.contains("expected a go.mod with `module k8s.io/kubernetes`"));

    fs::write(sources.join("go.mod"), "module k8s.io/kubernetes\n").unwrap();
    fs::write(sources.join("LICENSE"), "do what you like").unwrap();
    let built = || -> Vec<String> {
        let results = fs::read_dir(folder.path().join("cache/results")).unwrap();
        let names = results.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("kubernetes-")).collect()
    };
    let error = fail(&options, &tools).await;
    assert!(error.starts_with("static pod images"), "{error}");
    let command = tools.ran.lock().unwrap().iter().find(|text| text.contains("./cmd/kubeadm")).cloned().unwrap();
    for expected in ["version.gitVersion=v1.38.0-alpha.1.5+0123abc-dirty ", "gitTreeState=dirty ", "gitMinor=38+ "] {
        assert!(command.contains(expected), "{expected}: {command}");
    }
    fail(&options, &tools).await;
    assert_eq!(built().len(), 1);
    *tools.content.lock().unwrap() = "changed".to_owned();
    fail(&options, &tools).await;
    assert_eq!(built().len(), 2);

    let version = Some("v1.37".to_owned());
    assert!(fail(&BuildOptions { version, ..options }, &tools).await.contains("expected a whole version"));
}

#[tokio::test]
async fn an_image_has_to_be_a_node() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::Image("kindest/node:v1".into());
    let options = BuildOptions { source, ..BuildOptions::new(folder.path()) };
    let engine = FakeEngine::default();
    let error = build(&engine, &options, &Silent).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("expected a file /kind/version"), "{source}");
    assert!(engine.calls().contains(&"pull kindest/node:v1".to_owned()) && engine.left().is_empty());

    engine.when("cat /kind/version", Outcome::Print("v1.36.1".into()));
    assert_eq!(build(&engine, &options, &Silent).await.unwrap(), "kindest/node:v1");
}

#[tokio::test]
async fn another_base_image_is_looked_at_first() {
    let folder = tempfile::tempdir().unwrap();
    let options = BuildOptions { base_image: Some("mine:1".into()), ..BuildOptions::new(folder.path()) };
    let engine = FakeEngine::default();
    engine.when("check-base", Outcome::Exit(1, "the base image lacks nginx".into()));
    let error = build_with(&engine, &options, &Silent, &FakeTools::default()).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(error.to_string().starts_with("base root file system") && source.contains("lacks nginx"), "{source}");
    assert!(engine.left().is_empty());
}

#[tokio::test]
async fn another_architecture_is_refused_even_where_the_image_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let options = BuildOptions { architecture: Some("s390x".into()), ..BuildOptions::new(folder.path()) };
    let engine = FakeEngine::default();
    engine.add_image(&node_image_reference(options.release), &[]);
    let error = build(&engine, &options, &Silent).await.unwrap_err().to_string();
    assert!(error.starts_with("build a node image for s390x: the engine runs on amd64"), "{error}");
}

#[tokio::test]
async fn a_missing_toolchain_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let options = BuildOptions::new(folder.path());
    let tools = FakeTools::default();
    *tools.broken.lock().unwrap() = Some("go version");
    let error = build_with(&engine(&options), &options, &Silent, &tools).await.unwrap_err();
    assert!(error.to_string().starts_with("Kubernetes programs: `go` is not installed"), "{error}");
}

#[tokio::test]
async fn offline_fails_where_something_would_have_to_be_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let options = BuildOptions { offline: true, ..BuildOptions::new(folder.path()) };
    let error = build_with(&FakeEngine::default(), &options, &Silent, &FakeTools::default()).await.unwrap_err();
    assert!(error.to_string().starts_with("base root file system: this needs the network"), "{error}");
}

#[tokio::test]
async fn a_module_without_a_known_checksum_ends_the_build() {
    for (content, expected) in [
        (
            "needs more",
            "runc: modules are needed whose checksums are not in images/modules/go.sum: example.com/a v1.0.0",
        ),
        (
            "another module",
            "Kubernetes programs: fetch k8s.io/kubernetes@v1.37.2: its checksum is \"h1:x=\", expected h1:",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (options, tools) = (BuildOptions::new(folder.path()), FakeTools::default());
        *tools.content.lock().unwrap() = content.to_owned();
        let error = build_with(&engine(&options), &options, &Silent, &tools).await.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[tokio::test]
async fn a_rebuild_uses_neither_images_nor_results_of_earlier_builds() {
    let folder = tempfile::tempdir().unwrap();
    let options = BuildOptions::new(folder.path());
    let (engine, tools) = (engine(&options), FakeTools::default());
    build_with(&engine, &options, &Silent, &tools).await.unwrap_err();
    engine.add_image(&node_image_reference(options.release), &[]);
    build_with(&engine, &options, &Silent, &tools).await.unwrap();
    assert_eq!(tools.builds("opencontainers/runc"), 1);
    let again = BuildOptions { rebuild: true, ..options };
    build_with(&engine, &again, &Silent, &tools).await.unwrap_err();
    let ran = tools.ran.lock().unwrap().iter().filter(|text| text.starts_with("mmdebstrap --variant")).count();
    assert_eq!((tools.builds("opencontainers/runc"), ran), (2, 1));
}
