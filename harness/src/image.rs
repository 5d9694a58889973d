//! Which node image to use when nobody names one, and which image balances the load when that cannot.

use std::time::Duration;

use kind_engine::{Engine, EngineError, ImageFacts};
use kind_images::{UnsupportedVersion, features, node_image, release_of};

use crate::spec::{ClusterSpec, Role};

/// What is built here lies on engines and in no registry; there a name like these is somebody else's.
const OWN: &str = "kind-rs/";

/// kind 0.33's default, for machines with a registry in reach and no image of our own.
pub const KIND_IMAGE: &str =
    "kindest/node:v1.37.0-rc.1@sha256:aabfbaf916de1af22a1e0bf56307b9f775e8e8961a61a653c86e373320dbea2e";

/// How long a registry may take: a node image is half a gigabyte, and a registry that hangs must not hang us.
const PULL_LIMIT: Duration = Duration::from_secs(600);

/// There is no node image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// It is neither on the engine nor could it be pulled.
    #[error(
        "node image {reference:?} is not on the engine and could not be pulled; `kind-rs build node-image` builds one without a registry"
    )]
    Missing {
        /// The reference.
        reference: String,
        /// Why the pull failed.
        #[source]
        source: EngineError,
    },
    /// It is one that is built here.
    #[error(
        "node image {reference:?} is not on the engine, and no registry has it; `kind-rs build node-image{}` builds {}",
        version.map(|version| format!(" --version {version}")).unwrap_or_default(),
        if version.is_some() { "it" } else { "the one of today" }
    )]
    NotBuilt {
        /// The reference.
        reference: String,
        /// The Kubernetes version to build; `None` where it is the image of other inputs than today's.
        version: Option<&'static str>,
    },
    /// There is no image of that Kubernetes version.
    #[error(transparent)]
    Version(#[from] UnsupportedVersion),
    /// The registry did not finish in time.
    #[error("pull node image {reference:?}: not done within {} s; `kind-rs build node-image` builds one without a registry", PULL_LIMIT.as_secs())]
    Slow {
        /// The reference.
        reference: String,
    },
    /// The engine.
    #[error("look for the node image")]
    Engine(#[from] EngineError),
}

/// Has every node's image on the engine, and returns the one for nodes without their own, as [`resolve`] does; where all
/// nodes have their own, that of the first.
///
/// # Errors
/// When one of them cannot be had.
pub async fn resolve_nodes(
    engine: &dyn Engine,
    spec: &ClusterSpec,
    wanted: Option<&str>,
    built: &str,
) -> Result<String, ImageError> {
    let mut named: Vec<&str> = spec.nodes.iter().filter_map(|node| node.image.as_deref()).collect();
    let all = named.len() == spec.nodes.len();
    let first = named.first().copied();
    named.sort_unstable();
    named.dedup();
    for image in named {
        provide(engine, image).await?;
    }
    match first {
        Some(first) if all => Ok(first.to_owned()),
        _ => resolve(engine, wanted, built).await,
    }
}

/// The image to use: the one that is wanted, pulled where it is missing; else `built`, our own image, where it is there;
/// else kind's default, pulled.
///
/// # Errors
/// When there is none and none can be pulled.
pub async fn resolve(engine: &dyn Engine, wanted: Option<&str>, built: &str) -> Result<String, ImageError> {
    let reference = match wanted {
        Some(reference) => reference,
        None if engine.image(built).await?.is_some() => return Ok(built.to_owned()),
        None => KIND_IMAGE,
    };
    provide(engine, reference).await?;
    Ok(reference.to_owned())
}

/// The load balancer's image for a cluster of this shape whose nodes have that image: the one that is wanted, pulled where
/// it is missing; `None` where none is needed or the node image can do it; else `base`, our own base image, where it is
/// there. `kindest/node` has no load balancer; where `base` is missing too, bring-up says what to do.
///
/// # Errors
/// When the wanted one cannot be had.
pub async fn resolve_load_balancer(
    engine: &dyn Engine,
    spec: &ClusterSpec,
    node_image: &str,
    wanted: Option<&str>,
    base: &str,
) -> Result<Option<String>, ImageError> {
    if let Some(reference) = wanted {
        provide(engine, reference).await?;
        return Ok(Some(reference.to_owned()));
    }
    let control_planes = spec.nodes.iter().filter(|node| node.role == Role::ControlPlane).count();
    let can = |image: ImageFacts| features::has(&image, features::LOAD_BALANCER);
    if control_planes < 2 || engine.image(node_image).await?.is_some_and(can) {
        return Ok(None);
    }
    Ok(engine.image(base).await?.map(|_| base.to_owned()))
}

/// Has an image on the engine.
async fn provide(engine: &dyn Engine, reference: &str) -> Result<(), ImageError> {
    // What is a version still is one that cannot be built.
    node_image(reference)?;
    if engine.image(reference).await?.is_none() {
        if reference.starts_with(OWN) {
            let version = release_of(reference).map(|release| release.kubernetes);
            return Err(ImageError::NotBuilt { reference: reference.to_owned(), version });
        }
        let pull = tokio::time::timeout(PULL_LIMIT, engine.pull_image(reference)).await;
        let reference = reference.to_owned();
        match pull {
            Ok(Ok(())) => {}
            Ok(Err(source)) => return Err(ImageError::Missing { reference, source }),
            Err(_) => return Err(ImageError::Slow { reference }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kind_engine::{FakeEngine, Outcome};

    use super::*;

    #[tokio::test]
    async fn our_own_image_comes_before_a_pull() {
        let engine = FakeEngine::default();
        engine.add_image("built", &[]);
        assert_eq!(resolve(&engine, None, "built").await.unwrap(), "built");
        assert!(!engine.calls().iter().any(|call| call.starts_with("pull")));
    }

    #[tokio::test]
    async fn without_one_kinds_is_pulled() {
        let engine = FakeEngine::default();
        assert_eq!(resolve(&engine, None, "built").await.unwrap(), KIND_IMAGE);
    }

    #[tokio::test]
    async fn a_wanted_image_that_cannot_be_had_is_an_error_with_advice() {
        let engine = FakeEngine::default();
        engine.add_image("built", &[]);
        engine.when("pull other", Outcome::Refuse("no such host".into()));
        let text = resolve(&engine, Some("other"), "built").await.unwrap_err().to_string();
        assert!(text.contains("\"other\"") && text.contains("kind-rs build node-image"), "{text}");
    }

    #[tokio::test]
    async fn what_is_built_here_is_never_pulled() {
        let engine = FakeEngine::default();
        let resolve = async |wanted: &str| resolve(&engine, Some(wanted), "built").await.unwrap_err().to_string();
        let image = node_image("v1.36").unwrap();
        let text = resolve(&image).await;
        assert!(text.ends_with("`kind-rs build node-image --version v1.36.3` builds it"), "{text}");
        let text = resolve("kind-rs/node:v1.36.3-of-last-year").await;
        assert!(text.ends_with("`kind-rs build node-image` builds the one of today"), "{text}");
        let text = resolve("v1.12").await;
        assert!(text.contains("v1.12: this version is not supported"), "{text}");
        assert!(!engine.calls().iter().any(|call| call.starts_with("pull")), "{:?}", engine.calls());
    }

    #[tokio::test]
    async fn every_nodes_own_image_is_provided_and_the_default_only_where_it_is_used() {
        let engine = FakeEngine::default();
        engine.add_image("ours", &[]);
        let mut spec = ClusterSpec::default().control_planes(1).workers(1).image("theirs");
        assert_eq!(resolve_nodes(&engine, &spec, Some("wanted"), "ours").await.unwrap(), "theirs");
        assert_eq!(engine.calls().iter().filter(|call| call.starts_with("pull")).count(), 1);
        spec.nodes[0].image = None;
        assert_eq!(resolve_nodes(&engine, &spec, None, "ours").await.unwrap(), "ours");
    }

    #[tokio::test]
    async fn the_load_is_balanced_by_the_first_that_can() {
        let engine = FakeEngine::default();
        engine.add_image("ours", &[("io.kind-rs.features", "on-link-pods,load-balancer")]);
        engine.add_image("kinds", &[]);
        let (one, three) = (ClusterSpec::single_node(), ClusterSpec::default());
        let find = async |spec: &ClusterSpec, image: &str, wanted: Option<&str>| {
            resolve_load_balancer(&engine, spec, image, wanted, "base").await.unwrap()
        };
        assert_eq!(find(&three, "ours", None).await, None);
        assert_eq!(find(&one, "kinds", None).await, None);
        assert_eq!(find(&three, "kinds", None).await, None, "bring-up refuses it");
        engine.add_image("base", &[]);
        assert_eq!(find(&three, "kinds", None).await.as_deref(), Some("base"));
        assert_eq!(find(&three, "ours", Some("mine")).await.as_deref(), Some("mine"));
        assert!(engine.calls().contains(&"pull mine".to_owned()), "{:?}", engine.calls());
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_hangs_ends() {
        let engine = FakeEngine::default();
        engine.when("pull", Outcome::Hang);
        let error = resolve(&engine, None, "built").await.unwrap_err();
        assert!(matches!(error, ImageError::Slow { .. }), "{error}");
    }
}
