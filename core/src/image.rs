//! Which node image to use when nobody names one, which image balances the load when that cannot, and having them on the
//! engine. Nothing here builds images.

use std::{path::Path, time::Duration};

use kind_engine::{Engine, EngineError, ImageFacts, ImageName, ImageNameError, Login, LoginError, Pull, Pulled};
pub use kind_images::upstream::{KIND_IMAGE, NGINX_IMAGE};
use kind_images::{
    UnsupportedVersion, features,
    machine::{Need, Room, Shortage},
    node_image, release_of,
};

use crate::spec::{ClusterSpec, Role};

/// What is built here lies on engines and in no registry; there a name like these is somebody else's.
pub(crate) const OWN: &str = "kind-rs/";

/// How long a registry may take: a node image is half a gigabyte, and a registry that hangs must not hang us.
const PULL_LIMIT: Duration = Duration::from_secs(600);

/// What is to be free on the engine's disk before a node image is pulled: a gigabyte unpacked, half of one while it comes, and
/// what the smallest cluster wants. Engines that try a mirror first do not say that the disk was full.
const PULL_ROOM: u64 = 5 << 29;

/// An image cannot be had, or is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// It is neither on the engine nor could it be pulled.
    #[error(
        "image {reference:?} is not on the engine and {}{}",
        if is_unknown(source) {
            "no registry has it; look at its name and tag, and `docker login` where it is private".to_owned()
        } else {
            format!("could not be pulled; without a registry {advice}")
        },
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
    /// It does not fit on the engine's disk.
    #[error("pull image {reference:?}: {shortage}")]
    NoRoom {
        /// The reference.
        reference: String,
        /// What is short.
        shortage: Shortage,
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
            if purpose == Purpose::Node {
                self.look_for_room(reference).await?;
            }
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

    /// Where the engine's disk can be seen, there is to be enough of it.
    async fn look_for_room(self, reference: &str) -> Result<(), ImageError> {
        let facts = self.engine.facts().await?;
        // It looks at every process of the machine.
        let room = tokio::task::spawn_blocking(move || Room::of(&facts)).await.ok().flatten();
        let shortage = room.and_then(lack);
        shortage.map_or(Ok(()), |shortage| Err(ImageError::NoRoom { reference: reference.to_owned(), shortage }))
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

/// What a node image lacks.
fn lack(room: Room) -> Option<Shortage> {
    let disk = Room { disk: room.disk, folder: room.folder, ..Room::default() };
    disk.shortages(Need { instances: 0, watches: 0, disk: PULL_ROOM }).pop()
}

/// Whether a registry answered and does not have the image, or not for everybody.
fn is_unknown(error: &EngineError) -> bool {
    let EngineError::Refused { message, .. } = error else { return false };
    error.is_not_found() || ["manifest unknown", "name unknown"].iter().any(|words| message.contains(words))
}

/// Whether an image starts systemd, as every node image does; one of ours says so itself, too.
fn is_node(image: &ImageFacts) -> bool {
    let is_init = |word: &String| ["init", "systemd"].contains(&word.rsplit('/').next().unwrap_or_default());
    features::has(image, features::POD_NETWORK) || image.command.iter().any(is_init)
}

#[cfg(test)]
mod tests;
