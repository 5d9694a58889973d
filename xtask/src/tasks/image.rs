//! Which node image the tests get, and having it.

use std::time::Duration;

use kind_engine::{Engine, EngineError, ImageName, Login, Pull};
use kind_images::{
    Release, UnsupportedVersion, features,
    upstream::{KIND_IMAGE, NGINX_IMAGE},
};

use super::cargo::cargo;
use crate::{
    args::ImageArgs,
    context::Context,
    interrupt::Interrupted,
    process::{ProcessError, Tool, output_shown},
    setup::{Prepared, SetupError, install_build_tools},
    wait,
};

/// How long a registry may take: a node image is half a gigabyte, and a registry that hangs must not hang us.
const PULL_LIMIT: Duration = Duration::from_secs(600);

/// Where the node image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageChoice {
    /// The built one where it is there; else kind's, where it can be pulled; else the built one, built.
    Automatic,
    /// This one, or that of this Kubernetes version: pulled where it is not there, or built where it is ours.
    Given(String),
    /// Ours, built where it is not there.
    Build,
    /// kind's, pulled where it is not there.
    Pull,
}

/// There is no node image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// It could not be pulled.
    #[error("pull the image {reference}; `--build` builds one without a registry")]
    Pull {
        /// The image.
        reference: String,
        /// Why.
        #[source]
        source: EngineError,
    },
    /// The registry did not finish in time.
    #[error("pull the image {reference}: not done within {} s; `--build` builds one without a registry", PULL_LIMIT.as_secs())]
    Slow {
        /// The image.
        reference: String,
    },
    /// The engine does not answer.
    #[error("look for the node image")]
    Engine(#[from] EngineError),
    /// There is none of that Kubernetes version.
    #[error(transparent)]
    Version(#[from] UnsupportedVersion),
    /// The tools of the build are missing.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The build failed.
    #[error("build the node image")]
    Build(#[from] ProcessError),
    /// The build ended well and named no image.
    #[error(
        "build the node image: `kind-rs build` should print its reference as the only line, it printed {printed:?}"
    )]
    NoReference {
        /// What it printed.
        printed: String,
    },
    /// The user stopped us.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl ImageChoice {
    /// What the command line says, and where it says nothing, the environment.
    pub fn new(arguments: ImageArgs, from_environment: Option<String>) -> Self {
        match arguments {
            ImageArgs { image: Some(reference), .. } => Self::Given(reference),
            ImageArgs { build: true, .. } => Self::Build,
            ImageArgs { pull: true, .. } => Self::Pull,
            _ => from_environment.map_or(Self::Automatic, Self::Given),
        }
    }
}

/// Has the node image on the engine and returns its reference. This is the whole policy:
///
/// 1. what the command line or the environment names is used, and pulled where it is missing, or built where it is ours;
/// 2. else the image that the present sources make is used, where an earlier build left it;
/// 3. else kind's prebuilt image is pulled, which takes a minute where a registry answers, and fails at once elsewhere;
/// 4. else the image is built, which takes a quarter of an hour.
///
/// An image that cannot balance the load, such as kind's, gets upstream's nginx beside it, or our base image where no
/// registry has that.
pub(super) async fn node_image(ctx: &Context, prepared: &Prepared, choice: ImageChoice) -> Result<String, ImageError> {
    ctx.ui.heading("Node image");
    let reference = match choice {
        ImageChoice::Given(text) => match ours(&text)? {
            Some(release) => build(ctx, prepared, release).await?,
            None => ensure_pulled(ctx, &*prepared.engine, text).await?,
        },
        ImageChoice::Pull => ensure_pulled(ctx, &*prepared.engine, KIND_IMAGE.to_owned()).await?,
        ImageChoice::Build => build(ctx, prepared, Release::newest()).await?,
        ImageChoice::Automatic => match built_or_pulled(ctx, &*prepared.engine, &built()).await? {
            Some(reference) => reference,
            None => build(ctx, prepared, Release::newest()).await?,
        },
    };
    ctx.ui.line(&format!("node image: {reference}"));
    if needs_balancer(&*prepared.engine, &reference, &base()).await? {
        match ensure_pulled(ctx, &*prepared.engine, NGINX_IMAGE.to_owned()).await {
            Err(ImageError::Pull { .. } | ImageError::Slow { .. }) => {
                ctx.ui.line("it has no load balancer: the base image is built, which has one, in about a minute");
                build_with(ctx, prepared, &["base-image"]).await?;
            }
            pulled => _ = pulled?,
        }
    }
    Ok(reference)
}

/// Whether an image must be had to balance the load of clusters with that node image.
async fn needs_balancer(engine: &dyn Engine, reference: &str, base: &str) -> Result<bool, ImageError> {
    let can = engine.image(reference).await?.is_some_and(|image| features::has(&image, features::LOAD_BALANCER));
    Ok(!can && engine.image(base).await?.is_none())
}

/// The example tests that need what the node image lacks, as a filter of nextest. They are named, not silently passed.
pub(super) async fn left_out(ctx: &Context, engine: &dyn Engine, reference: &str) -> Result<&'static str, ImageError> {
    if engine.image(reference).await?.is_some_and(|image| features::has(&image, features::REGISTRY)) {
        return Ok("none()");
    }
    ctx.ui.line(&format!("{reference} has no registry: the examples in `registry.rs` are left out"));
    Ok("(package(kind-examples) and test(/^registry::/))")
}

/// The base image that the present sources make.
fn base() -> String {
    kind_images::base_image_reference(Release::newest())
}

/// The image that the present sources make.
fn built() -> String {
    kind_images::node_image_reference(Release::newest())
}

/// Points 2 and 3 of the policy; `None` where the image must be built.
async fn built_or_pulled(ctx: &Context, engine: &dyn Engine, built: &str) -> Result<Option<String>, ImageError> {
    if engine.image(built).await?.is_some() {
        return Ok(Some(built.to_owned()));
    }
    // kind's images need the second version.
    if engine.facts().await?.cgroup_version == 1 {
        ctx.ui.line("control groups v1: the node image is built from source");
        return Ok(None);
    }
    match ensure_pulled(ctx, engine, KIND_IMAGE.to_owned()).await {
        Err(ImageError::Pull { .. } | ImageError::Slow { .. }) => {
            ctx.ui.line("no image registry in reach: the node image is built from source");
            Ok(None)
        }
        result => result.map(Some),
    }
}

async fn ensure_pulled(ctx: &Context, engine: &dyn Engine, reference: String) -> Result<String, ImageError> {
    if engine.image(&reference).await?.is_some() {
        return Ok(reference);
    }
    let step = ctx.ui.step(format!("pull {reference}"));
    let login = login(ctx, &reference).await;
    let pull = async {
        let how = Pull { login: login.as_ref(), ..Pull::default() };
        tokio::select! {
            pulled = engine.pull_image(&reference, how) => Some(pulled),
            () = wait::limit(PULL_LIMIT) => None,
        }
    };
    match ctx.interrupt.unless(pull).await? {
        Some(Ok(())) => {
            step.done();
            Ok(reference)
        }
        Some(Err(source)) => {
            step.given_up();
            Err(ImageError::Pull { reference, source })
        }
        None => {
            step.given_up();
            Err(ImageError::Slow { reference })
        }
    }
}

/// The credentials for an image's registry. Without them a public image can be pulled all the same.
async fn login(ctx: &Context, reference: &str) -> Option<Login> {
    let folder = ctx.settings.docker_client.as_deref()?;
    let found = Login::find(folder, &ImageName::parse(reference).ok()?).await;
    found.unwrap_or_else(|error| {
        ctx.ui.line(&format!("{error}; no credentials are used"));
        None
    })
}

/// Has the conformance suite and its node image, and returns the image's reference. Nobody publishes one, so it is built.
pub(super) async fn conformance_image(ctx: &Context, prepared: &Prepared) -> Result<String, ImageError> {
    ctx.ui.heading("Conformance suite");
    let reference = build_with(ctx, prepared, &["conformance"]).await?;
    ctx.ui.line(&format!("conformance node image: {reference}"));
    Ok(reference)
}

/// Builds the image; unchanged sources build nothing.
async fn build(ctx: &Context, prepared: &Prepared, release: &Release) -> Result<String, ImageError> {
    build_with(ctx, prepared, &["node-image", "--version", release.kubernetes]).await
}

/// The release whose node image that is, by its version or by the reference that the present sources give it.
fn ours(text: &str) -> Result<Option<&'static Release>, UnsupportedVersion> {
    Ok(kind_images::release_of(&kind_images::node_image(text)?))
}

/// Builds with the command line tool, as a user would.
async fn build_with(ctx: &Context, prepared: &Prepared, what: &[&str]) -> Result<String, ImageError> {
    let path = install_build_tools(ctx, prepared).await?;
    let compile = cargo(ctx).args(["build", "--workspace"]);
    crate::process::run_shown(ctx, &compile).await?;
    let kind = Tool::new(ctx.workspace.program("kind-rs")).args(["build"]).args(what.iter().copied()).env("PATH", path);
    let printed = output_shown(ctx, &kind).await?;
    match printed.trim() {
        reference if !reference.is_empty() && reference.lines().count() == 1 => Ok(reference.to_owned()),
        _ => Err(ImageError::NoReference { printed }),
    }
}

#[cfg(test)]
mod tests {
    use kind_engine::{FakeEngine, Outcome};

    use super::*;
    use crate::context::test_context;

    const BUILT: &str = "kind-rs/node:v1-0123";

    #[test]
    fn the_command_line_goes_before_the_environment() {
        let build = ImageArgs { build: true, ..ImageArgs::default() };
        assert_eq!(ImageChoice::new(build, Some("e".to_owned())), ImageChoice::Build);
        assert_eq!(ImageChoice::new(ImageArgs::default(), Some("e".to_owned())), ImageChoice::Given("e".to_owned()));
        assert_eq!(ImageChoice::new(ImageArgs::default(), None), ImageChoice::Automatic);
    }

    #[tokio::test]
    async fn an_image_that_was_built_is_used_and_nothing_is_pulled() {
        let engine = FakeEngine::default();
        engine.add_image(BUILT, &[]);
        let image = built_or_pulled(&test_context(), &engine, BUILT).await.unwrap();
        assert_eq!(image.as_deref(), Some(BUILT));
        assert!(!engine.calls().iter().any(|call| call.starts_with("pull")), "{:?}", engine.calls());
    }

    #[test]
    fn a_version_and_what_it_stands_for_are_built_here() {
        let release = Release::find("v1.36").unwrap();
        assert_eq!(ours("v1.36").unwrap(), Some(release));
        assert_eq!(ours(&kind_images::node_image_reference(release)).unwrap(), Some(release));
        assert_eq!(ours("kindest/node:v1.36.0").unwrap(), None);
        assert!(ours("v1.12").is_err());
    }

    #[tokio::test]
    async fn without_one_kinds_is_pulled() {
        let engine = FakeEngine::default();
        assert_eq!(built_or_pulled(&test_context(), &engine, BUILT).await.unwrap(), None, "control groups v1");
        engine.set_cgroup_version(2);
        let image = built_or_pulled(&test_context(), &engine, BUILT).await.unwrap();
        assert_eq!(image.as_deref(), Some(KIND_IMAGE));
    }

    #[tokio::test]
    async fn a_load_balancer_is_needed_beside_an_image_without_a_load_balancer() {
        let engine = FakeEngine::default();
        engine.add_image("ours", &[(kind_images::labels::FEATURES, kind_images::labels::NODE_FEATURES)]);
        engine.add_image("kinds", &[]);
        assert!(!needs_balancer(&engine, "ours", "base").await.unwrap());
        assert!(needs_balancer(&engine, "kinds", "base").await.unwrap());
        engine.add_image("base", &[]);
        assert!(!needs_balancer(&engine, "kinds", "base").await.unwrap());
    }

    #[tokio::test]
    async fn what_a_foreign_image_lacks_is_left_out() {
        let engine = FakeEngine::default();
        engine.add_image("ours", &[(kind_images::labels::FEATURES, kind_images::labels::NODE_FEATURES)]);
        engine.add_image("kinds", &[]);
        assert_eq!(left_out(&test_context(), &engine, "ours").await.unwrap(), "none()");
        assert!(left_out(&test_context(), &engine, "kinds").await.unwrap().contains("registry"));
    }

    #[tokio::test]
    async fn without_a_registry_it_is_to_be_built() {
        let engine = FakeEngine::default();
        engine.set_cgroup_version(2);
        engine.when("pull", Outcome::Refuse("no such host".to_owned()));
        assert_eq!(built_or_pulled(&test_context(), &engine, BUILT).await.unwrap(), None);
        let error = ensure_pulled(&test_context(), &engine, KIND_IMAGE.to_owned()).await.unwrap_err();
        assert!(error.to_string().ends_with("`--build` builds one without a registry"), "{error}");
    }
}
