//! The `Engine` trait: every question and order that the workspace has for a container engine.
//!
//! No Docker types appear here, so that a fake can stand in for the engine in tests.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use async_trait::async_trait;
use ipnet::IpNet;

use crate::{Command, ContainerFacts, ContainerSpec, EngineError, ExecOutput, Login, NetworkSpec, NodeFile, Streams};

/// Labels of a container, network, volume or image.
pub type Labels = BTreeMap<String, String>;

/// What the engine says of itself and its host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineFacts {
    /// `Docker` or `podman`.
    pub product: String,
    /// The engine's own version, such as `20.10.24`.
    pub version: String,
    /// The API version that both sides agreed on, such as `1.41`.
    pub api_version: String,
    /// Its address.
    pub address: String,
    /// What named it, in words.
    pub found_by: String,
    /// The name of its machine as the address has it; `None` where it is reached through a socket.
    pub machine: Option<String>,
    /// 1 or 2.
    pub cgroup_version: u8,
    /// The storage driver, such as `overlay2`.
    pub storage_driver: String,
    /// Where the engine keeps images and containers, as a path on its host.
    pub root_dir: String,
    /// The architecture in Go's words, such as `amd64`.
    pub architecture: String,
    /// Processors of the engine's host.
    pub processors: usize,
    /// Memory of the engine's host, in bytes.
    pub memory: u64,
    /// Whether user namespaces are remapped, so that containers need `userns=host`.
    pub userns_remapped: bool,
    /// Whether the engine runs on this machine and this process sees its files, so that this machine's limits are its own.
    /// Nothing follows from it about published ports: a process may have a network of its own.
    pub local: bool,
    /// Whether the engine runs without root.
    pub rootless: bool,
    /// What the engine cannot limit for a container, for people to read; most often because control groups are not
    /// delegated to its user.
    pub missing_limits: Vec<&'static str>,
    /// What its host's clock shows, as RFC 3339; empty where it does not say.
    pub time: String,
}

/// An image that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFacts {
    /// The content's digest, `sha256:…`: that of its configuration, or with containerd's image store that of its manifest
    /// or of the list of its manifests.
    pub id: String,
    /// Names and tags.
    pub tags: Vec<String>,
    /// Names with the digest under which a registry has it, `app@sha256:…`.
    pub digests: Vec<String>,
    /// Labels of the image's configuration.
    pub labels: Labels,
    /// Size on the engine's disk, in bytes.
    pub size: u64,
    /// The architecture in Go's words, such as `amd64`.
    pub architecture: String,
    /// What tells its first process to end; `None` where nothing is said, or it was not asked.
    pub stop_signal: Option<String>,
    /// What it runs: its entry point and the arguments; empty where nothing is said, or it was not asked.
    pub command: Vec<String>,
}

/// What a pull needs beside the image's name.
#[derive(Clone, Copy)]
pub struct Pull<'a> {
    /// The credentials for the image's registry.
    pub login: Option<&'a Login>,
    /// Hears how far it is, many times a second. Must not block.
    pub progress: &'a (dyn Fn(Pulled) + Send + Sync),
}

impl Default for Pull<'_> {
    /// Without credentials, and nobody hears how far it is.
    fn default() -> Self {
        Self { login: None, progress: &|_| {} }
    }
}

/// How far a pull is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pulled {
    /// The bytes that are there.
    pub bytes: u64,
    /// The bytes of all layers whose size is known by now.
    pub of: u64,
}

/// In megabytes: `120 of 450 MB`.
impl std::fmt::Display for Pulled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} MB", self.bytes / 1_000_000, self.of.div_ceil(1_000_000))
    }
}

/// A network that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkFacts {
    /// The engine's identifier; several networks may share a name.
    pub id: String,
    /// The network's name.
    pub name: String,
    /// The network's labels.
    pub labels: Labels,
    /// When it was created, as RFC 3339; empty where the engine does not say.
    pub created: String,
    /// The ranges of its addresses.
    pub subnets: Vec<IpNet>,
    /// The driver's options, such as `com.docker.network.driver.mtu`.
    pub options: BTreeMap<String, String>,
}

/// A volume that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeFacts {
    /// The volume's name; the engine's own choice for one without a name.
    pub name: String,
    /// The volume's labels.
    pub labels: Labels,
    /// When it was created, as RFC 3339; empty where the engine does not say.
    pub created: String,
}

/// A container engine. Names of containers, networks and images are the engine's own strings.
///
/// Every method fails with an [`EngineError`] that names the object it was about.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The same engine with connections of its own: those that are kept for the next request belong to the runtime that
    /// made them.
    fn apart(self: Arc<Self>) -> Arc<dyn Engine>;

    /// Asks the engine who it is.
    ///
    /// # Errors
    /// When the engine does not answer.
    async fn facts(&self) -> Result<EngineFacts, EngineError>;

    /// The image of that reference, or `None` where the engine has none.
    ///
    /// # Errors
    /// When the engine does not answer.
    async fn image(&self, reference: &str) -> Result<Option<ImageFacts>, EngineError>;

    /// All images that carry all of these labels (an empty value stands for any).
    ///
    /// # Errors
    /// When the engine does not answer.
    async fn images(&self, labels: &Labels) -> Result<Vec<ImageFacts>, EngineError>;

    /// The digests of an image's manifests, and of the list of them, that the engine has; none where its IDs are those of
    /// configurations, or it does not tell.
    ///
    /// # Errors
    /// When the engine does not answer.
    async fn manifests(&self, image: &ImageFacts) -> Result<Vec<String>, EngineError>;

    /// Pulls one image from its registry: that with the name's tag, or with `latest` where it says none.
    ///
    /// # Errors
    /// When the name is none, or the registry or the engine refuses or does not answer.
    async fn pull_image(&self, reference: &str, pull: Pull<'_>) -> Result<(), EngineError>;

    /// Makes an image of one layer from a tar file of its root file system. `changes` are Dockerfile instructions
    /// (`ENTRYPOINT […]`, `LABEL …`, `ENV …`).
    ///
    /// # Errors
    /// When the file cannot be read or the engine refuses it.
    async fn import_image(&self, tar: &Path, reference: &str, changes: &[String]) -> Result<(), EngineError>;

    /// Loads a `docker save` archive.
    ///
    /// # Errors
    /// When the file cannot be read or the engine refuses it.
    async fn load_image(&self, tar: &Path) -> Result<(), EngineError>;

    /// Writes images as one `docker save` archive.
    ///
    /// # Errors
    /// When an image is missing or the file cannot be written.
    async fn save_images(&self, references: &[String], tar: &Path) -> Result<(), EngineError>;

    /// Gives an image another name.
    ///
    /// # Errors
    /// When the image is missing.
    async fn tag_image(&self, reference: &str, name: &str) -> Result<(), EngineError>;

    /// Makes an image of a container's file system (volumes are not part of it). `changes` as in [`Engine::import_image`].
    ///
    /// # Errors
    /// When the container is missing or the disk is full.
    async fn commit(&self, container: &str, reference: &str, changes: &[String]) -> Result<(), EngineError>;

    /// Removes an image; one that is not there is no error.
    ///
    /// # Errors
    /// When a container uses it.
    async fn remove_image(&self, reference: &str) -> Result<(), EngineError>;

    /// Creates a network and returns its identifier.
    ///
    /// # Errors
    /// When the engine has no free subnet or refuses.
    async fn create_network(&self, spec: &NetworkSpec) -> Result<String, EngineError>;

    /// All networks that carry all of these labels (an empty value stands for any).
    ///
    /// # Errors
    /// When the engine does not answer.
    async fn networks(&self, labels: &Labels) -> Result<Vec<NetworkFacts>, EngineError>;

    /// Removes a network; one that is not there is no error.
    ///
    /// # Errors
    /// When a container is still attached.
    async fn remove_network(&self, id: &str) -> Result<(), EngineError>;

    /// Takes a container out of a network, running or not; where either is not there, that is no error.
    ///
    /// # Errors
    /// When the engine refuses.
    async fn disconnect(&self, network: &str, container: &str) -> Result<(), EngineError>;

    /// All volumes that carry all of these labels (an empty value stands for any).
    ///
    /// # Errors
    /// When the engine does not answer.
    async fn volumes(&self, labels: &Labels) -> Result<Vec<VolumeFacts>, EngineError>;

    /// Removes a volume; one that is not there is no error.
    ///
    /// # Errors
    /// When a container uses it.
    async fn remove_volume(&self, name: &str) -> Result<(), EngineError>;

    /// Creates a container that is not to run, with the engine's default privileges, and returns its identifier. It has its
    /// name from then on, which no other container can have.
    ///
    /// # Errors
    /// When the image is missing, the name is taken or the engine refuses.
    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError>;

    /// Creates a container, writes `spec.files` into it, starts it, and returns its identifier. A container that cannot
    /// be started is removed again.
    ///
    /// # Errors
    /// When the image is missing, the name is taken, a port is in use or the engine refuses.
    async fn run_container(&self, spec: &ContainerSpec) -> Result<String, EngineError>;

    /// Starts a stopped container.
    ///
    /// # Errors
    /// When the container is missing or a port is in use.
    async fn start_container(&self, name: &str) -> Result<(), EngineError>;

    /// Stops a container, killing it after `grace_seconds`.
    ///
    /// # Errors
    /// When the container is missing.
    async fn stop_container(&self, name: &str, grace_seconds: i32) -> Result<(), EngineError>;

    /// Sends a signal (`SIGKILL`, `SIGHUP`, …) to a container's first process.
    ///
    /// # Errors
    /// When the container is missing or does not run.
    async fn signal_container(&self, name: &str, signal: &str) -> Result<(), EngineError>;

    /// Freezes every process of a container.
    ///
    /// # Errors
    /// When the container is missing or does not run.
    async fn pause_container(&self, name: &str) -> Result<(), EngineError>;

    /// Thaws a frozen container.
    ///
    /// # Errors
    /// When the container is missing or is not frozen.
    async fn unpause_container(&self, name: &str) -> Result<(), EngineError>;

    /// Removes a container with its anonymous volumes, running or not; one that is not there is no error.
    ///
    /// # Errors
    /// When the engine cannot remove it.
    async fn remove_container(&self, name: &str) -> Result<(), EngineError>;

    /// What the engine knows of a container, or `None` where there is none.
    ///
    /// # Errors
    /// When the engine does not answer.
    async fn container(&self, name: &str) -> Result<Option<ContainerFacts>, EngineError>;

    /// Everything that the engine says of a container, as JSON for people; `None` where there is none.
    ///
    /// # Errors
    /// When the engine does not answer.
    async fn describe_container(&self, name: &str) -> Result<Option<String>, EngineError>;

    /// Everything that the engine says of itself, as JSON for people.
    ///
    /// # Errors
    /// When the engine does not answer.
    async fn describe(&self) -> Result<String, EngineError>;

    /// All containers, running or not, that carry all of these labels (an empty value stands for any).
    ///
    /// # Errors
    /// When the engine does not answer.
    async fn containers(&self, labels: &Labels) -> Result<Vec<ContainerFacts>, EngineError>;

    /// The bytes of memory that a container's processes hold, without file pages that are given back when needed.
    /// `None` where the container does not run or the engine does not count.
    ///
    /// # Errors
    /// When the container is missing.
    async fn memory(&self, name: &str) -> Result<Option<u64>, EngineError>;

    /// The last `lines` lines that a container's first process printed, both streams.
    ///
    /// # Errors
    /// When the container is missing.
    async fn logs(&self, name: &str, lines: usize) -> Result<String, EngineError>;

    /// Runs a command in a running container and returns what it printed, whatever its exit code.
    /// [`ExecOutput::success`] turns a non-zero exit into a [`crate::CommandError`].
    ///
    /// # Errors
    /// When the container is missing, does not run, or the engine cannot start the command.
    async fn exec(&self, container: &str, command: &Command) -> Result<ExecOutput, EngineError>;

    /// Runs a command in a running container with a file of this machine as its standard input.
    ///
    /// # Errors
    /// As [`Engine::exec`], and when the file cannot be read.
    async fn exec_with_file(&self, container: &str, command: &Command, stdin: &Path)
    -> Result<ExecOutput, EngineError>;

    /// Runs a command in a running container with its streams passed through as they come, and returns its exit code.
    /// Dropping the future leaves the command running: the engine has no way to end it.
    ///
    /// # Errors
    /// As [`Engine::exec`], and when a stream of this side fails.
    async fn exec_streaming(
        &self,
        container: &str,
        command: &Command,
        streams: Streams<'_>,
    ) -> Result<i64, EngineError>;

    /// Writes files into a container, running or not, parent folders included. Paths below a volume or a tmpfs are
    /// only reached while the container runs and, for a tmpfs, not at all: put those in with [`Engine::exec`].
    ///
    /// # Errors
    /// When the container is missing.
    async fn write_files(&self, container: &str, files: &[NodeFile]) -> Result<(), EngineError>;

    /// Unpacks a tar file of this machine into a folder of a container.
    ///
    /// # Errors
    /// When the container or folder is missing.
    async fn upload_tar(&self, container: &str, folder: &str, tar: &Path) -> Result<(), EngineError>;

    /// Packs a path of a container as a tar file on this machine.
    ///
    /// # Errors
    /// When the container or path is missing.
    async fn download_tar(&self, container: &str, path: &str, tar: &Path) -> Result<(), EngineError>;
}
