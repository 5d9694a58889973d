//! The build: every step, in order, and what may be left out because it has been done.

use kind_engine::Engine;

use crate::{
    BuildError, BuildOptions, Progress, Release, Step,
    archive::go_architecture,
    base,
    cache::Cache,
    command::{Host, Runner},
    components::components,
    conformance, container,
    error::InStep,
    go, node, payload,
    pod_images::{self, Programs},
    reference::{base_image_reference, base_key, node_image_reference, payload_image_reference},
    workshop::Workshop,
};

/// Makes sure that the engine has the node image of `options.release`, and returns its reference.
///
/// What an earlier build finished is not done again: with unchanged inputs this asks the engine one question. A build
/// that was killed goes on where it stopped, and after one complete build none needs the network.
///
/// # Errors
/// A [`BuildError`] that names the step, what it was about, and what to do.
pub async fn build(engine: &dyn Engine, options: &BuildOptions, progress: &dyn Progress) -> Result<String, BuildError> {
    build_with(engine, options, progress, &Host).await
}

/// Makes sure that the engine has the base image of `options.release`, Debian's part of a node, and returns its reference.
/// It can be the load balancer of clusters whose node image cannot.
///
/// # Errors
/// A [`BuildError`] that names the step, what it was about, and what to do.
pub async fn build_base(
    engine: &dyn Engine,
    options: &BuildOptions,
    progress: &dyn Progress,
) -> Result<String, BuildError> {
    let reference = base_image_reference(options.release);
    if has(engine, &reference, Step::Base).await? {
        skip(progress, &[Step::Base]);
        return Ok(reference);
    }
    let workshop = workshop(engine, options, progress, &Host).await?;
    base::provide(&workshop, engine).await?;
    Ok(reference)
}

/// As [`build`], with something else that runs programs.
pub(crate) async fn build_with(
    engine: &dyn Engine,
    options: &BuildOptions,
    progress: &dyn Progress,
    runner: &dyn Runner,
) -> Result<String, BuildError> {
    let reference = node_image_reference(options.release);
    if has(engine, &reference, Step::NodeImage).await? {
        skip(progress, &Step::NODE);
        return Ok(reference);
    }
    let workshop = workshop(engine, options, progress, runner).await?;
    // While this build waited for the cache folder, another may have made the image.
    if !has(engine, &reference, Step::NodeImage).await? {
        provide_payload(&workshop, engine).await?;
        workshop.step(Step::NodeImage, node::make(&workshop, engine)).await?;
    }
    Ok(reference)
}

/// Opens the cache, and removes what a killed build left.
async fn workshop<'a>(
    engine: &dyn Engine,
    options: &'a BuildOptions,
    progress: &'a dyn Progress,
    runner: &'a dyn Runner,
) -> Result<Workshop<'a>, BuildError> {
    let facts = engine.facts().await.during(Step::Base)?;
    if facts.architecture != go_architecture() {
        return Err(BuildError::Architecture { engine: facts.architecture, machine: go_architecture() });
    }
    let cache = Cache::open(&options.cache, Step::Base).await?;
    container::sweep(engine, Step::Base, cache.root()).await?;
    Ok(Workshop { options, cache, runner, progress })
}

/// Makes sure that the engine has everything of the node image that takes long.
async fn provide_payload(workshop: &Workshop<'_>, engine: &dyn Engine) -> Result<(), BuildError> {
    if has(engine, &payload_image_reference(workshop.release()), Step::ImageStore).await? {
        let (_, done) = Step::NODE.split_last().unwrap_or((&Step::NodeImage, &[]));
        skip(workshop.progress, done);
        return Ok(());
    }
    // The one waits for the network, the other for processors.
    let ((), programs) = tokio::try_join!(base::provide(workshop, engine), provide_programs(workshop))?;
    let images = pod_images::archive(workshop, engine, &programs).await?;
    workshop.step(Step::ImageStore, payload::make(workshop, engine, &programs, &images)).await?;
    workshop.cache.keep_only(&results(), Step::ImageStore)
}

/// The results that later builds may need, of every release: with them, no build needs the network.
fn results() -> Vec<String> {
    let of = |release: &'static Release| {
        let programs = components(release).into_iter().map(|component| component.key(release));
        programs.chain([base_key(release), pod_images::tools_key(release)]).chain(conformance::results(release))
    };
    Release::all().iter().flat_map(of).collect()
}

/// Builds every component, one after the other: the Go toolchain keeps all processors busy by itself.
async fn provide_programs(workshop: &Workshop<'_>) -> Result<Programs, BuildError> {
    let mut programs = Programs::new();
    for component in components(workshop.release()) {
        programs.insert(component.step, go::build(workshop, &component).await?);
    }
    Ok(programs)
}

/// Tells that steps were done before.
pub(crate) fn skip(progress: &dyn Progress, steps: &[Step]) {
    for step in steps {
        progress.skipped(*step);
    }
}

/// Whether the engine has an image.
pub(crate) async fn has(engine: &dyn Engine, reference: &str, step: Step) -> Result<bool, BuildError> {
    Ok(engine.image(reference).await.during(step)?.is_some())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, sync::Mutex};

    use async_trait::async_trait;
    use kind_engine::{FakeEngine, Outcome};

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
    }

    #[async_trait]
    impl Runner for FakeTools {
        async fn run(&self, command: &HostCommand, _: &Path, _: OnLine<'_>) -> Result<String, CommandFailure> {
            let text = command.display();
            self.ran.lock().unwrap().push(text.clone());
            if self.broken.lock().unwrap().is_some_and(|part| text.contains(part)) {
                return Err(CommandFailure::Failed {
                    outcome: "exit status: 1".into(),
                    tail: "no such package".into(),
                });
            }
            if text.contains("mod download") {
                fs::write(command.folder.join("upstream"), "require (\na v1\n)\nreplace a => ./staging/a\n").unwrap();
                let path = command.folder.join("upstream").display().to_string();
                return Ok(serde_json::json!({ "GoMod": path, "Dir": path }).to_string());
            }
            Ok(if text == "go version" { "go version go1.26.8 linux/amd64".into() } else { String::new() })
        }
    }

    impl FakeTools {
        /// How many `go build` of that package ran.
        fn builds(&self, package: &str) -> usize {
            let ran = self.ran.lock().unwrap();
            ran.iter().filter(|text| text.starts_with("go build") && text.contains(package)).count()
        }
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
}
