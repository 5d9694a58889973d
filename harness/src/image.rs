//! Which node image to use when nobody names one, which image balances the load when that cannot, and having them on the
//! engine. Nothing here builds images.

use std::{path::Path, time::Duration};

use kind_engine::{Engine, EngineError, ImageFacts, ImageName, ImageNameError, Login, LoginError, Pull, Pulled};
pub use kind_images::upstream::{KIND_IMAGE, NGINX_IMAGE};
use kind_images::{UnsupportedVersion, features, node_image, release_of};

use crate::spec::{ClusterSpec, Role};

/// What is built here lies on engines and in no registry; there a name like these is somebody else's.
const OWN: &str = "kind-rs/";

/// How long a registry may take: a node image is half a gigabyte, and a registry that hangs must not hang us.
const PULL_LIMIT: Duration = Duration::from_secs(600);

/// An image cannot be had, or is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// It is neither on the engine nor could it be pulled.
    #[error(
        "image {reference:?} is not on the engine and could not be pulled; without a registry {advice}{}",
        login.as_ref().map(|error| format!("; no credentials were used: {error}")).unwrap_or_default()
    )]
    Missing {
        /// The reference.
        reference: String,
        /// What to do.
        advice: &'static str,
        /// Why the credentials for the registry could not be read.
        login: Option<Box<LoginError>>,
        /// Why the pull failed.
        #[source]
        source: Box<EngineError>,
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
    /// It is no name of an image.
    #[error(transparent)]
    Name(#[from] ImageNameError),
    /// It starts no node.
    #[error(
        "image {reference:?} is no node image: {}, and a node image starts systemd, as `kindest/node` does with `/usr/local/bin/entrypoint /sbin/init`",
        if command.is_empty() { "it has no command".to_owned() } else { format!("it starts `{}`", command.join(" ")) }
    )]
    NoNode {
        /// The reference.
        reference: String,
        /// What it runs.
        command: Vec<String>,
    },
    /// kind's image is not made for this host.
    #[error(
        "image {reference:?} would be pulled and cannot run here: since Kubernetes v1.35 kind's images need control groups v2, and the engine's host has v1; `kind-rs build node-image` builds one that runs on both"
    )]
    ControlGroups {
        /// The reference.
        reference: String,
    },
    /// The registry did not finish in time.
    #[error("pull image {reference:?}: not done within {} s; without a registry {advice}", PULL_LIMIT.as_secs())]
    Slow {
        /// The reference.
        reference: String,
        /// What to do.
        advice: &'static str,
    },
    /// The engine.
    #[error("look for the image")]
    Engine(#[from] EngineError),
}

/// Where images come from: an engine, and the registries that it reaches.
#[derive(Clone, Copy)]
pub struct Images<'a> {
    /// The engine.
    pub engine: &'a dyn Engine,
    /// The folder of the Docker client's configuration, in which `docker login` leaves credentials.
    pub docker_client: Option<&'a Path>,
    /// Hears what is pulled and how far that is, in words and many times a second. Must not block.
    pub progress: &'a (dyn Fn(String) + Send + Sync),
}

/// What an image is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Node,
    LoadBalancer,
}

impl Purpose {
    fn advice(self) -> &'static str {
        match self {
            Self::Node => "`kind-rs build node-image` builds one",
            Self::LoadBalancer => "`kind-rs build base-image` builds one in about a minute",
        }
    }
}

impl<'a> Images<'a> {
    /// Of an engine, without credentials, and nobody hears how far a pull is.
    pub fn of(engine: &'a dyn Engine) -> Self {
        Self { engine, docker_client: None, progress: &|_| {} }
    }

    /// Has every node's image on the engine, and returns the one for nodes without their own, as [`Images::node`] does;
    /// where all nodes have their own, that of the first.
    ///
    /// # Errors
    /// When one of them cannot be had or is no node image.
    pub async fn nodes(self, spec: &ClusterSpec, wanted: Option<&str>, built: &str) -> Result<String, ImageError> {
        let mut named: Vec<&str> = spec.nodes.iter().filter_map(|node| node.image.as_deref()).collect();
        let all = named.len() == spec.nodes.len();
        let first = named.first().copied();
        named.sort_unstable();
        named.dedup();
        for image in named {
            self.provide(image, Purpose::Node).await?;
        }
        match first {
            Some(first) if all => Ok(first.to_owned()),
            _ => self.node(wanted, built).await,
        }
    }

    /// The node image to use: the one that is wanted, pulled where it is missing; else `built`, our own image, where it is
    /// there; else kind's default, pulled.
    ///
    /// # Errors
    /// When there is none and none can be pulled, or it is no node image.
    pub async fn node(self, wanted: Option<&str>, built: &str) -> Result<String, ImageError> {
        let reference = match wanted {
            Some(reference) => reference,
            None if self.engine.image(built).await?.is_some() => return Ok(built.to_owned()),
            None => KIND_IMAGE,
        };
        self.provide(reference, Purpose::Node).await?;
        Ok(reference.to_owned())
    }

    /// The load balancer's image for a cluster of this shape whose nodes have that image: the one that is wanted, pulled
    /// where it is missing; `None` where none is needed or the node image can do it; else `base`, our own base image, where
    /// it is there; else upstream's nginx, pulled.
    ///
    /// # Errors
    /// When none can be had.
    pub async fn load_balancer(
        self,
        spec: &ClusterSpec,
        node_image: &str,
        wanted: Option<&str>,
        base: &str,
    ) -> Result<Option<String>, ImageError> {
        let reference = if let Some(reference) = wanted {
            reference
        } else {
            let control_planes = spec.nodes.iter().filter(|node| node.role == Role::ControlPlane).count();
            let can = |image: ImageFacts| features::has(&image, features::LOAD_BALANCER);
            if control_planes < 2 || self.engine.image(node_image).await?.is_some_and(can) {
                return Ok(None);
            }
            if self.engine.image(base).await?.is_some() { base } else { NGINX_IMAGE }
        };
        self.provide(reference, Purpose::LoadBalancer).await?;
        Ok(Some(reference.to_owned()))
    }

    /// Has an image on the engine.
    async fn provide(self, reference: &str, purpose: Purpose) -> Result<(), ImageError> {
        // What is a version still is one that cannot be built.
        node_image(reference)?;
        let name = ImageName::parse(reference)?;
        let mut found = self.engine.image(reference).await?;
        if found.is_none() {
            self.refuse(reference).await?;
            self.pull(reference, &name, purpose).await?;
            found = self.engine.image(reference).await?;
        }
        match found {
            Some(image) if purpose == Purpose::Node && !is_node(&image) => {
                Err(ImageError::NoNode { reference: reference.to_owned(), command: image.command })
            }
            _ => Ok(()),
        }
    }

    /// What is known before a pull to be of no use.
    async fn refuse(self, reference: &str) -> Result<(), ImageError> {
        let reference = reference.to_owned();
        if reference.starts_with(OWN) {
            let version = release_of(&reference).map(|release| release.kubernetes);
            return Err(ImageError::NotBuilt { reference, version });
        }
        if reference == KIND_IMAGE && self.engine.facts().await?.cgroup_version == 1 {
            return Err(ImageError::ControlGroups { reference });
        }
        Ok(())
    }

    async fn pull(self, reference: &str, name: &ImageName, purpose: Purpose) -> Result<(), ImageError> {
        let found = match self.docker_client {
            Some(folder) => Login::find(folder, name).await,
            None => Ok(None),
        };
        let (login, failed) = match found {
            Ok(login) => (login, None),
            Err(error) => {
                tracing::warn!("{error}");
                (None, Some(error))
            }
        };
        let tell = |pulled: Pulled| (self.progress)(format!("pulling {reference}: {pulled}"));
        let pull = self.engine.pull_image(reference, Pull { login: login.as_ref(), progress: &tell });
        let (reference, advice) = (reference.to_owned(), purpose.advice());
        match tokio::time::timeout(PULL_LIMIT, pull).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => {
                Err(ImageError::Missing { reference, advice, login: failed.map(Box::new), source: Box::new(source) })
            }
            Err(_) => Err(ImageError::Slow { reference, advice }),
        }
    }
}

/// Whether an image starts systemd, as every node image does; one of ours says so itself, too.
fn is_node(image: &ImageFacts) -> bool {
    let is_init = |word: &String| ["init", "systemd"].contains(&word.rsplit('/').next().unwrap_or_default());
    features::has(image, features::POD_NETWORK) || image.command.iter().any(is_init)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use kind_engine::{FakeEngine, Outcome};

    use super::*;

    fn pulls(engine: &FakeEngine) -> Vec<String> {
        engine.calls().into_iter().filter(|call| call.starts_with("pull")).collect()
    }

    #[tokio::test]
    async fn our_own_image_comes_before_a_pull() {
        let engine = FakeEngine::default();
        engine.add_image("built", &[]);
        assert_eq!(Images::of(&engine).node(None, "built").await.unwrap(), "built");
        assert_eq!(pulls(&engine), Vec::<String>::new());
    }

    #[tokio::test]
    async fn without_one_kinds_is_pulled_where_it_can_run() {
        let engine = FakeEngine::default();
        let error = Images::of(&engine).node(None, "built").await.unwrap_err();
        assert!(matches!(error, ImageError::ControlGroups { .. }), "{error}");
        assert_eq!(pulls(&engine), Vec::<String>::new());
        engine.set_cgroup_version(2);
        let heard = Mutex::new(Vec::new());
        let progress = |text: String| heard.lock().unwrap().push(text);
        let images = Images { progress: &progress, ..Images::of(&engine) };
        assert_eq!(images.node(None, "built").await.unwrap(), KIND_IMAGE);
        assert_eq!(heard.into_inner().unwrap(), [format!("pulling {KIND_IMAGE}: 1 of 2 MB")]);
    }

    #[tokio::test]
    async fn a_wanted_image_that_cannot_be_had_is_an_error_with_advice() {
        let engine = FakeEngine::default();
        engine.add_image("built", &[]);
        engine.when("pull other", Outcome::Refuse("no such host".into()));
        let text = Images::of(&engine).node(Some("other"), "built").await.unwrap_err().to_string();
        assert!(text.contains("\"other\"") && text.contains("kind-rs build node-image"), "{text}");
    }

    #[tokio::test]
    async fn a_registry_gets_the_credentials_that_docker_login_left() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(folder.path().join("config.json"), text).unwrap();
        write(r#"{"auths": {"localhost:5002": {"auth": "bWU6cHc="}}}"#);
        let engine = FakeEngine::default();
        let images = Images { docker_client: Some(folder.path()), ..Images::of(&engine) };
        images.node(Some("localhost:5002/node:1"), "built").await.unwrap();
        images.node(Some("elsewhere.example/node:1"), "built").await.unwrap();
        assert_eq!(pulls(&engine), ["pull localhost:5002/node:1 as localhost:5002", "pull elsewhere.example/node:1"]);
        // A file that nobody can read matters where a pull fails.
        write("{");
        images.node(Some("a:1"), "built").await.unwrap();
        engine.when("pull b:1", Outcome::Refuse("no basic auth credentials".into()));
        let text = images.node(Some("b:1"), "built").await.unwrap_err().to_string();
        assert!(text.contains("no credentials were used: read the credentials for"), "{text}");
    }

    #[tokio::test]
    async fn what_starts_no_node_is_refused_before_anything_is_made() {
        let engine = FakeEngine::default();
        for (command, expected) in [
            (&[][..], "it has no command"),
            (&["nginx", "-g", "daemon off;"][..], "it starts `nginx -g daemon off;`"),
            (&["/docker-entrypoint.sh"][..], "it starts `/docker-entrypoint.sh`"),
        ] {
            engine.add_image("app:1", &[]);
            engine.change_image("app:1", |image| image.command = command.iter().map(ToString::to_string).collect());
            let text = Images::of(&engine).node(Some("app:1"), "built").await.unwrap_err().to_string();
            assert!(text.starts_with("image \"app:1\" is no node image") && text.contains(expected), "{text}");
            engine.remove_image("app:1").await.unwrap();
        }
        for reference in ["", " ", "App", "a:b:c"] {
            let error = Images::of(&engine).node(Some(reference), "built").await.unwrap_err();
            assert!(matches!(error, ImageError::Name(_)), "{reference:?}: {error}");
        }
    }

    #[tokio::test]
    async fn what_is_built_here_is_never_pulled() {
        let engine = FakeEngine::default();
        let resolve =
            async |wanted: &str| Images::of(&engine).node(Some(wanted), "built").await.unwrap_err().to_string();
        let image = node_image("v1.36").unwrap();
        let text = resolve(&image).await;
        assert!(text.ends_with("`kind-rs build node-image --version v1.36.3` builds it"), "{text}");
        let text = resolve("kind-rs/node:v1.36.3-of-last-year").await;
        assert!(text.ends_with("`kind-rs build node-image` builds the one of today"), "{text}");
        let text = resolve("v1.12").await;
        assert!(text.contains("v1.12: this version is not supported"), "{text}");
        assert_eq!(pulls(&engine), Vec::<String>::new());
    }

    #[tokio::test]
    async fn every_nodes_own_image_is_provided_and_the_default_only_where_it_is_used() {
        let engine = FakeEngine::default();
        engine.add_image("ours", &[]);
        let mut spec = ClusterSpec::default().control_planes(1).workers(1).image("theirs");
        assert_eq!(Images::of(&engine).nodes(&spec, Some("wanted"), "ours").await.unwrap(), "theirs");
        assert_eq!(pulls(&engine).len(), 1);
        spec.nodes[0].image = None;
        assert_eq!(Images::of(&engine).nodes(&spec, None, "ours").await.unwrap(), "ours");
    }

    #[tokio::test]
    async fn the_load_is_balanced_by_the_first_that_can() {
        let engine = FakeEngine::default();
        engine.add_image("ours", &[("io.kind-rs.features", "on-link-pods,load-balancer")]);
        engine.add_image("kinds", &[]);
        let (one, three) = (ClusterSpec::single_node(), ClusterSpec::default());
        let find = async |spec: &ClusterSpec, image: &str, wanted: Option<&str>| {
            Images::of(&engine).load_balancer(spec, image, wanted, "base").await
        };
        assert_eq!(find(&three, "ours", None).await.unwrap(), None);
        assert_eq!(find(&one, "kinds", None).await.unwrap(), None);
        engine.when("pull nginx", Outcome::Refuse("no such host".into()));
        let text = find(&three, "kinds", None).await.unwrap_err().to_string();
        assert!(text.contains(NGINX_IMAGE) && text.contains("kind-rs build base-image"), "{text}");
        engine.add_image("base", &[]);
        assert_eq!(find(&three, "kinds", None).await.unwrap().as_deref(), Some("base"));
        assert_eq!(find(&three, "ours", Some("mine")).await.unwrap().as_deref(), Some("mine"));
        engine.remove_image("base").await.unwrap();
        engine.add_image(NGINX_IMAGE, &[]);
        assert_eq!(find(&three, "kinds", None).await.unwrap().as_deref(), Some(NGINX_IMAGE));
        assert!(pulls(&engine).contains(&"pull mine".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_hangs_ends() {
        let engine = FakeEngine::default();
        engine.when("pull", Outcome::Hang);
        let error = Images::of(&engine).node(Some("other"), "built").await.unwrap_err();
        assert!(matches!(error, ImageError::Slow { .. }), "{error}");
    }
}
