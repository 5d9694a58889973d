//! Connecting to the engine and agreeing on an API version.

use std::{error::Error, io, time::Duration};

use bollard::{ClientVersion, Docker};
use tokio::sync::{OnceCell, Semaphore};

use super::{DockerEngine, transport};
use crate::{EngineAddress, EngineChoice, EngineError, FoundBy};

/// How many containers are started at once.
const PARALLEL_STARTS: usize = 8;

/// Docker 20.10, the oldest engine that knows `cgroupns`.
const OLDEST_API: ClientVersion = ClientVersion { major_version: 1, minor_version: 41 };

/// How long an engine may take to say its version.
const ANSWER: Duration = Duration::from_secs(30);

impl DockerEngine {
    /// Connects to the engine that is meant.
    ///
    /// # Errors
    /// When none is found, or as [`DockerEngine::connect`].
    pub async fn find(choice: &EngineChoice) -> Result<Self, EngineError> {
        Self::connect(&choice.address()?).await
    }

    /// Connects to the engine at that address.
    ///
    /// # Errors
    /// When nothing answers there, this user may not use it, or it is older than API 1.41.
    pub async fn connect(address: &EngineAddress) -> Result<Self, EngineError> {
        let docker = transport::client(address, bollard::API_DEFAULT_VERSION)?;
        let docker = match tokio::time::timeout(ANSWER, docker.negotiate_version()).await {
            Ok(Ok(docker)) => docker,
            Ok(Err(error)) => return Err(no_answer(address, Box::new(error))),
            Err(_) => return Err(no_answer(address, format!("no answer within {} s", ANSWER.as_secs()).into())),
        };
        let found = docker.client_version();
        if found < OLDEST_API {
            return Err(EngineError::TooOld { found: found.to_string() });
        }
        Ok(Self::with(docker, address.clone()))
    }

    /// The same, with connections of its own.
    pub(super) fn again(&self) -> Result<Self, EngineError> {
        let docker = transport::client(&self.address, &self.docker.client_version())?;
        Ok(Self::with(docker, self.address.clone()))
    }

    fn with(docker: Docker, address: EngineAddress) -> Self {
        Self { docker, address, privileged: OnceCell::new(), starts: Semaphore::new(PARALLEL_STARTS) }
    }
}

/// A socket that exists but refuses this user needs other help than an engine that does not run; and only where nothing
/// names an engine and nothing listens is there none.
fn no_answer(address: &EngineAddress, source: Box<dyn Error + Send + Sync>) -> EngineError {
    match (cause(&*source), &address.found_by) {
        (Some(io::ErrorKind::PermissionDenied), _) => EngineError::Forbidden { address: address.host.clone() },
        (Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused), FoundBy::UsualSocket(looked)) => {
            EngineError::Absent { looked: looked.clone(), source }
        }
        _ => EngineError::Unreachable { address: address.host.clone(), found_by: address.found_by.to_string(), source },
    }
}

/// The system's reason, at the end of the chain.
fn cause(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let chain = std::iter::successors(Some(error), |&error| {
        // An `io::Error` around another error passes by it.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    });
    chain
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .filter(|kind| *kind != io::ErrorKind::Other)
        .last()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn at(host: &str, found_by: FoundBy) -> EngineAddress {
        EngineAddress { host: host.to_owned(), tls: None, found_by }
    }

    async fn refusal(host: &str, found_by: FoundBy) -> EngineError {
        DockerEngine::connect(&at(host, found_by)).await.err().unwrap()
    }

    #[tokio::test]
    async fn only_a_usual_socket_without_an_engine_means_that_there_is_none() {
        let usual = || FoundBy::UsualSocket(vec![PathBuf::from("/nonexistent/engine.sock")]);
        let error = refusal("unix:///nonexistent/engine.sock", usual()).await;
        assert!(matches!(error, EngineError::Absent { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("/nonexistent/engine.sock") && text.contains("start it"), "{text}");
        let error = refusal("unix:///nonexistent/engine.sock", FoundBy::DockerHost).await;
        assert!(matches!(error, EngineError::Unreachable { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("unix:///nonexistent/engine.sock") && text.contains("DOCKER_HOST"), "{text}");
    }

    #[tokio::test]
    async fn an_engine_that_answers_garbage_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine.sock");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let answer = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail ready\r\n\r\n").await.unwrap();
        };
        let usual = FoundBy::UsualSocket(vec![socket.clone()]);
        let host = format!("unix://{}", socket.display());
        let (error, ()) = tokio::join!(refusal(&host, usual), answer);
        assert!(matches!(error, EngineError::Unreachable { .. }), "{error}");
    }

    #[tokio::test]
    async fn what_ssh_says_is_told() {
        // Nothing listens on that port.
        let error = refusal("ssh://nobody@127.0.0.1:1", FoundBy::DockerHost).await;
        let mut text = error.to_string();
        assert!(text.contains("BatchMode"), "{text}");
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        assert!(text.contains("refused") || text.contains("start `ssh`"), "{text}");
    }
}
