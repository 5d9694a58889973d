//! The build: every step, in order, and what may be left out because it has been done.

use std::path::Path;

use kind_engine::Engine;

use crate::{
    BuildError, BuildOptions, Progress, Release, Source, Step,
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
    source,
    workshop::Workshop,
};

/// Makes sure that the engine has the node image of `options.release`, and returns its reference.
///
/// What an earlier build finished is not done again: with unchanged inputs this asks the engine one question. A build
/// that was killed goes on where it stopped, and after one complete build of a release none of it needs the network.
///
/// # Errors
/// A [`BuildError`] that names the step, what it was about, and what to do.
pub async fn build(engine: &dyn Engine, options: &BuildOptions, progress: &dyn Progress) -> Result<String, BuildError> {
    build_with(engine, options, progress, &Host::default()).await
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
    if !options.rebuild && has(engine, &reference, Step::Base).await? {
        skip(progress, &[Step::Base]);
        return Ok(reference);
    }
    let host = Host::default();
    let workshop = workshop(engine, options, progress, &host).await?;
    if options.rebuild {
        workshop.cache.forget(&base_key(options.release), Step::Base)?;
    }
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
    let is_of_table = options.source == Source::Module && options.base_image.is_none();
    let reference = node_image_reference(options.release);
    if is_of_table
        && options.architecture.is_none()
        && !options.rebuild
        && has(engine, &reference, Step::NodeImage).await?
    {
        skip(progress, &Step::NODE);
        return Ok(reference);
    }
    let workshop = workshop(engine, options, progress, runner).await?;
    if let Source::Image(reference) = &options.source {
        source::adopt(&workshop, engine, reference).await?;
        return Ok(reference.clone());
    }
    let given = source::given(&workshop, engine).await?;
    let release = given.as_ref().map_or(options.release, |given| given.release);
    let options = BuildOptions { release, ..options.clone() };
    let workshop = Workshop { options: &options, ..workshop };
    if options.rebuild {
        forget(&workshop, &of_node(release))?;
    }
    let programs = given.and_then(|given| given.programs);
    let reference = node_image_reference(release);
    // While this build waited for the cache folder, another may have made the image.
    if !options.rebuild && has(engine, &reference, Step::NodeImage).await? {
        skip(progress, steps(programs.as_deref()));
    } else {
        provide_payload(&workshop, engine, programs.as_deref()).await?;
        workshop.step(Step::NodeImage, node::make(&workshop, engine)).await?;
        tidy(&workshop, programs.as_deref())?;
    }
    Ok(reference)
}

/// The steps that are still to be told of, where Kubernetes' programs are there.
fn steps(programs: Option<&Path>) -> &'static [Step] {
    if programs.is_some() { &Step::NODE[2..] } else { &Step::NODE }
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
    if let Some(wanted) = options.architecture.as_ref().filter(|wanted| **wanted != facts.architecture) {
        return Err(BuildError::OtherArchitecture { wanted: wanted.clone(), engine: facts.architecture });
    }
    let cache = Cache::open(options, Step::Base, progress).await?;
    container::sweep(engine, Step::Base, &cache).await?;
    Ok(Workshop::new(options, cache, runner, progress))
}

/// Makes sure that the engine has everything of the node image that takes long.
async fn provide_payload(
    workshop: &Workshop<'_>,
    engine: &dyn Engine,
    kubernetes: Option<&Path>,
) -> Result<(), BuildError> {
    let payload = payload_image_reference(workshop.release());
    if !workshop.options.rebuild && has(engine, &payload, Step::ImageStore).await? {
        let (_, done) = steps(kubernetes).split_last().unwrap_or((&Step::NodeImage, &[]));
        skip(workshop.progress, done);
        return Ok(());
    }
    // The one waits for the network, the other for processors.
    let both = workshop.both(base::provide(workshop, engine), provide_programs(workshop, kubernetes));
    let ((), programs) = both.await?;
    let images = pod_images::archive(workshop, engine, &programs).await?;
    workshop.step(Step::ImageStore, payload::make(workshop, engine, &programs, &images)).await?;
    // Half a gigabyte that only led to the image.
    workshop.cache.forget(&pod_images::archive_key(workshop.release()), Step::ImageStore)
}

/// The results of a release's node image that later builds may need: with those of every release, none needs the network.
fn of_node(release: &Release) -> Vec<String> {
    let programs = components(release).into_iter().map(|component| component.key(release));
    programs.chain([base_key(release), pod_images::tools_key(release)]).collect()
}

/// Drops results that are to be made anew.
pub(crate) fn forget(workshop: &Workshop<'_>, results: &[String]) -> Result<(), BuildError> {
    results.iter().try_for_each(|name| workshop.cache.forget(name, Step::Base))
}

/// Drops what neither later builds of this version nor, by the look of it, those of another one need.
pub(crate) fn tidy(workshop: &Workshop<'_>, kubernetes: Option<&Path>) -> Result<(), BuildError> {
    let given = kubernetes.and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let of = |release| of_node(release).into_iter().chain(conformance::results(release));
    let kept: Vec<String> = Release::all().iter().chain([workshop.release()]).flat_map(of).chain(given).collect();
    workshop.cache.tidy(&kept, Step::NodeImage)
}

/// Builds every component, one after the other: the Go toolchain keeps all processors busy by itself.
async fn provide_programs(workshop: &Workshop<'_>, kubernetes: Option<&Path>) -> Result<Programs, BuildError> {
    let mut programs = Programs::new();
    for component in components(workshop.release()) {
        let folder = match kubernetes {
            Some(folder) if component.step == Step::Kubernetes => folder.to_owned(),
            _ => go::build(workshop, &component).await?,
        };
        programs.insert(component.step, folder);
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
#[path = "build_tests.rs"]
mod tests;
