//! Where the engine is: what the environment says of it, and what that comes to. Nothing here talks to an engine.

mod choice;
mod context;
mod parse;
mod tls;

pub use choice::EngineChoice;
pub(crate) use parse::Target;
pub use tls::TlsFiles;

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::EngineError;

/// Where an engine is, how it is reached, and what said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineAddress {
    /// As it was written, such as `unix:///var/run/docker.sock` or `ssh://builder`.
    pub host: String,
    /// The certificates of an engine that speaks TLS.
    pub tls: Option<TlsFiles>,
    /// What named it.
    pub found_by: FoundBy,
}

/// What named the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FoundBy {
    /// The variable `DOCKER_HOST`.
    DockerHost,
    /// A Docker context.
    Context {
        /// Its name.
        name: String,
        /// What named the context: a variable, or the Docker client's configuration.
        by: String,
    },
    /// The variable `CONTAINER_HOST`, which is podman's.
    ContainerHost,
    /// Nothing: it is one of the sockets at which engines usually listen. These were looked at.
    UsualSocket(Vec<PathBuf>),
}

impl EngineAddress {
    /// The address in parts.
    pub(crate) fn target(&self) -> Result<Target, EngineError> {
        parse::target(&self.host, self.tls.is_some()).map_err(|reason| self.unsupported(reason))
    }

    /// The name of the engine's machine, where the address has one.
    pub(crate) fn machine(&self) -> Option<String> {
        match self.target().ok()? {
            Target::Unix(_) => None,
            Target::Tcp { host, .. } | Target::Ssh { host, .. } => Some(host),
        }
    }

    fn unsupported(&self, reason: impl Into<String>) -> EngineError {
        EngineError::Unsupported {
            address: self.host.clone(),
            found_by: self.found_by.to_string(),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for FoundBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DockerHost => f.write_str("from DOCKER_HOST"),
            Self::Context { name, by } => write!(f, "from Docker context {name}, named by {by}"),
            Self::ContainerHost => f.write_str("from CONTAINER_HOST"),
            Self::UsualSocket(_) => f.write_str("the usual socket"),
        }
    }
}
