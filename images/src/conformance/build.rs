//! Building all of it, and finding what was built.

use std::path::{Path, PathBuf};

use kind_engine::Engine;

use crate::{
    BuildError, BuildOptions, Progress, Release, Step,
    build::{self as node_build, has, skip},
    cache::{Cache, file, note_use},
    command::{Host, Runner},
    components::components,
    container, go,
    pod_images::Programs,
    workshop::Workshop,
};

use super::{busybox, images, node, programs::programs, root_fs};

/// What the conformance suite of a release needs, built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConformanceSuite {
    /// Upstream's test program.
    pub e2e_test: PathBuf,
    /// The `kubectl` that its specs call.
    pub kubectl: PathBuf,
    /// The node image for the suite's clusters.
    pub image: String,
}

/// The suite of a release as a build leaves it in this cache folder, whether or not one has; `None` where it is not
/// offered.
pub fn expected(release: &Release, cache: &Path) -> Option<ConformanceSuite> {
    let results = cache.join("results");
    let suite = programs(release).into_iter().find(|program| program.step() == Step::ConformanceSuite)?;
    let kubernetes = components(release).into_iter().find(|component| component.step == Step::Kubernetes)?;
    Some(ConformanceSuite {
        e2e_test: results.join(suite.key()).join("e2e.test"),
        kubectl: results.join(kubernetes.key(release)).join("kubectl"),
        image: node::image_reference(release)?,
    })
}

/// The suite of a release, where an earlier build left its programs in this cache folder; `None` where it has to be
/// built. Whether the engine has the image is the engine's to say.
pub fn find(release: &Release, cache: &Path) -> Option<ConformanceSuite> {
    let suite = expected(release, cache)?;
    // They stay while somebody runs them now and then.
    [&suite.e2e_test, &suite.kubectl].into_iter().filter_map(|path| path.parent()).for_each(note_use);
    (suite.e2e_test.is_file() && suite.kubectl.is_file()).then_some(suite)
}

/// Makes sure that everything is there, the node image included, and returns it. What an earlier build finished is not
/// done again.
///
/// # Errors
/// A [`BuildError`] that names the step, what it was about, and what to do.
pub async fn build(
    engine: &dyn Engine,
    options: &BuildOptions,
    progress: &dyn Progress,
) -> Result<ConformanceSuite, BuildError> {
    build_with(engine, options, progress, &Host::default()).await
}

async fn build_with(
    engine: &dyn Engine,
    options: &BuildOptions,
    progress: &dyn Progress,
    runner: &dyn Runner,
) -> Result<ConformanceSuite, BuildError> {
    let release = options.release;
    let Some(reference) = node::image_reference(release) else {
        let offered = Release::all().iter().filter(|release| release.conformance.is_some());
        return Err(BuildError::NoConformance {
            version: release.kubernetes,
            offered: offered.map(|release| release.kubernetes).collect(),
        });
    };
    node_build::build_with(engine, options, progress, runner).await?;
    if !options.rebuild
        && let Some(suite) = find(release, &options.cache)
        && has(engine, &reference, Step::ConformanceImage).await?
    {
        skip(progress, &Step::CONFORMANCE);
        return Ok(suite);
    }
    let cache = Cache::open(options, Step::ConformanceSuite, progress).await?;
    container::sweep(engine, Step::ConformanceSuite, &cache).await?;
    let workshop = Workshop::new(options, cache, runner, progress);
    if options.rebuild {
        node_build::forget(&workshop, &results(release))?;
    }
    // The one waits for the network, the other for processors.
    let (root, mut built) = workshop.both(root_fs::provide(&workshop), provide_programs(&workshop)).await?;
    // The suite's specs need its kubectl: where the image was made elsewhere, it has to be built here.
    if let Some(kubernetes) = components(release).iter().find(|component| component.step == Step::Kubernetes) {
        go::build(&workshop, kubernetes).await?;
    }
    if !options.rebuild && has(engine, &reference, Step::ConformanceImage).await? {
        skip(progress, &[Step::Busybox, Step::TestImages, Step::ConformanceImage]);
    } else {
        built.insert(Step::Busybox, busybox::provide(&workshop).await?);
        let archive = workshop.step(Step::TestImages, images::archive(&workshop, &root, &built)).await?;
        workshop.step(Step::ConformanceImage, node::make(&workshop, engine, &archive, &reference)).await?;
        std::fs::remove_file(&archive).map_err(file(Step::ConformanceImage, "remove", &archive))?;
    }
    node_build::tidy(&workshop, None)?;
    let missing = || BuildError::File {
        step: Step::ConformanceSuite,
        action: "find the suite in",
        path: options.cache.clone(),
        source: std::io::ErrorKind::NotFound.into(),
    };
    find(release, &options.cache).ok_or_else(missing)
}

async fn provide_programs(workshop: &Workshop<'_>) -> Result<Programs, BuildError> {
    let mut built = Programs::new();
    for program in programs(workshop.release()) {
        built.insert(program.step(), go::build_as(workshop, &program.recipe()).await?);
    }
    Ok(built)
}

/// The results that later builds may need.
pub(crate) fn results(release: &Release) -> Vec<String> {
    programs(release)
        .iter()
        .map(super::programs::Program::key)
        .chain([root_fs::key(release), busybox::key(release)])
        .collect()
}
