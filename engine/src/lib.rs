//! The container engine: what the rest of the workspace may ask of it, and the one implementation that talks to Docker.
//!
//! This is a crate of its own, so that Cargo itself guards the boundary: no other member depends on `bollard`.
//! It knows nothing of Kubernetes.

mod address;
mod api;
mod container;
mod files;
mod host;
mod image_name;
mod login;
mod streams;
mod error;
mod docker;
#[cfg(feature = "fake")]
mod fake;

pub use address::{EngineAddress, EngineChoice, FoundBy, TlsFiles};
pub use api::{Engine, EngineFacts, ImageFacts, Labels, NetworkFacts, Pull, Pulled, VolumeFacts};
pub use container::{
    Attachment, Command, ContainerFacts, ContainerSpec, ExecOutput, Mount, MountKind, NetworkSpec, PortMapping,
    Privileges, Propagation, Protocol, RestartPolicy,
};
pub use docker::DockerEngine;
pub use error::{CommandError, EngineError};
#[cfg(feature = "fake")]
pub use fake::{FakeEngine, Outcome};
pub use files::NodeFile;
pub use host::{HostReading, read_host};
pub use image_name::{ImageName, ImageNameError};
pub use login::{Login, LoginError};
pub use streams::{Streams, TerminalSize};
