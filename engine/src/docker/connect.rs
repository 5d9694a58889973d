//! Finding the engine, agreeing on an API version, and asking it who it is.

use std::{io, path::Path};

use bollard::{ClientVersion, Docker, models::SystemInfoCgroupVersionEnum};
use tokio::sync::{OnceCell, Semaphore};

use super::{DockerEngine, request::send};
use crate::{EngineError, EngineFacts};

/// How many containers are started at once.
const PARALLEL_STARTS: usize = 8;

/// Docker 20.10, the oldest engine that knows `cgroupns`.
const OLDEST_API: ClientVersion = ClientVersion { major_version: 1, minor_version: 41 };

/// Where an engine listens when nothing else is said.
const DEFAULT_ADDRESS: &str = "unix:///var/run/docker.sock";

impl DockerEngine {
    /// Connects to the engine at `host` (`unix://…`, `tcp://…`), or at the usual socket.
    ///
    /// # Errors
    /// When nothing answers there, this user may not use it, or it is older than API 1.41.
    pub async fn connect(host: Option<&str>) -> Result<Self, EngineError> {
        let address = host.unwrap_or(DEFAULT_ADDRESS);
        let unreachable = |error: bollard::errors::Error| unreachable_or_forbidden(address, error);
        let docker = Docker::connect_with_host(address).map_err(unreachable)?;
        let docker = docker.negotiate_version().await.map_err(unreachable)?;
        let found = docker.client_version();
        if found < OLDEST_API {
            return Err(EngineError::TooOld { found: found.to_string() });
        }
        let local = address.starts_with("unix://");
        Ok(Self { docker, local, privileged: OnceCell::new(), starts: Semaphore::new(PARALLEL_STARTS) })
    }
}

/// A socket that exists but refuses this user needs other help than an engine that does not run.
fn unreachable_or_forbidden(address: &str, error: bollard::errors::Error) -> EngineError {
    let socket = address.strip_prefix("unix://").map(Path::new);
    let denied = socket.is_some_and(|path| {
        matches!(std::os::unix::net::UnixStream::connect(path), Err(e) if e.kind() == io::ErrorKind::PermissionDenied)
    });
    if denied {
        return EngineError::Forbidden { address: address.to_owned() };
    }
    EngineError::Unreachable { address: address.to_owned(), source: Box::new(error) }
}

pub(super) async fn facts(docker: &Docker, local: bool) -> Result<EngineFacts, EngineError> {
    let info = send("ask", "the engine for its facts", docker.info()).await?;
    let options = info.security_options.unwrap_or_default();
    let has = |word: &str| options.iter().any(|option| option.contains(word));
    let limits = [("memory", info.memory_limit), ("processes", info.pids_limit), ("processors", info.cpu_shares)];
    let architecture = info.architecture.unwrap_or_default();
    Ok(EngineFacts {
        version: info.server_version.unwrap_or_default(),
        api_version: docker.client_version().to_string(),
        cgroup_version: if info.cgroup_version == Some(SystemInfoCgroupVersionEnum::_2) { 2 } else { 1 },
        storage_driver: info.driver.unwrap_or_default(),
        root_dir: info.docker_root_dir.unwrap_or_default(),
        architecture: go_architecture(&architecture).to_owned(),
        processors: info.ncpu.and_then(|count| usize::try_from(count).ok()).unwrap_or(1),
        memory: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        userns_remapped: has("name=userns"),
        local,
        rootless: has("name=rootless"),
        missing_limits: limits.into_iter().filter(|(_, can)| *can == Some(false)).map(|(what, _)| what).collect(),
        time: info.system_time.unwrap_or_default(),
    })
}

pub(super) async fn describe(docker: &Docker) -> Result<String, EngineError> {
    Ok(super::request::pretty(&send("ask", "the engine for its facts", docker.info()).await?))
}

/// The engine speaks the kernel's words for its own architecture and Go's for images.
fn go_architecture(kernel: &str) -> &str {
    match kernel {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_engine_says_where_and_what_to_do() {
        let error = DockerEngine::connect(Some("unix:///nonexistent/engine.sock")).await.err().unwrap();
        let text = error.to_string();
        assert!(text.contains("unix:///nonexistent/engine.sock") && text.contains("start it"), "{text}");
    }
}
