//! Which engine is meant, in the order in which Docker's own client decides, then podman's.

use std::{
    ffi::OsString,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use super::{EngineAddress, FoundBy, TlsFiles, context, parse, tls};
use crate::EngineError;

/// Where Docker listens when nothing else is said.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";
/// Where podman listens for root.
const PODMAN_SOCKET: &str = "/run/podman/podman.sock";

/// What the environment says of the engine. Files are only read by [`EngineChoice::address`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineChoice {
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// Whether `DOCKER_TLS_VERIFY` has a value. As for Docker's client, any value does, also `0`.
    pub tls_verify: bool,
    /// Whether `DOCKER_TLS` has a value.
    pub tls: bool,
    /// `DOCKER_CERT_PATH`: the folder of the certificates for `DOCKER_HOST`.
    pub certificates: Option<PathBuf>,
    /// The folder of the Docker client's configuration (`DOCKER_CONFIG`, else `.docker` in the home).
    pub docker_config: Option<PathBuf>,
    /// `CONTAINER_HOST`, which is podman's.
    pub container_host: Option<String>,
    /// `XDG_RUNTIME_DIR`, where engines of ordinary users listen.
    pub runtime_dir: Option<PathBuf>,
}

impl EngineChoice {
    /// Reads the variables through a lookup. An empty one counts as none.
    pub fn from_variables(lookup: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let raw = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let text = |name: &str| raw(name).map(|value| value.to_string_lossy().into_owned());
        let path = |name: &str| raw(name).map(PathBuf::from);
        Self {
            docker_host: text("DOCKER_HOST"),
            docker_context: text("DOCKER_CONTEXT"),
            tls_verify: raw("DOCKER_TLS_VERIFY").is_some(),
            tls: raw("DOCKER_TLS").is_some(),
            certificates: path("DOCKER_CERT_PATH"),
            docker_config: path("DOCKER_CONFIG").or_else(|| Some(path("HOME")?.join(".docker"))),
            container_host: text("CONTAINER_HOST"),
            runtime_dir: path("XDG_RUNTIME_DIR"),
        }
    }

    /// The engine that is meant: of `DOCKER_HOST`, the context of `DOCKER_CONTEXT`, the current context of the Docker
    /// client's configuration and `CONTAINER_HOST` the first that there is; else the usual sockets.
    ///
    /// # Errors
    /// When an address has a form that is not known, or a context or a certificate is missing.
    pub fn address(&self) -> Result<EngineAddress, EngineError> {
        if let Some(host) = &self.docker_host {
            return self.of_variable(host, FoundBy::DockerHost);
        }
        let folder = self.docker_config.as_deref();
        let named = self.docker_context.clone().map(|name| (name, "DOCKER_CONTEXT".to_owned()));
        let context = named.or_else(|| context::current(folder?));
        if let Some((name, by)) = context.filter(|(name, _)| name != context::DEFAULT) {
            return context::address(folder, &name, &by);
        }
        if let Some(host) = &self.container_host {
            return self.of_variable(host, FoundBy::ContainerHost);
        }
        Ok(usual(&self.usual_sockets()))
    }

    fn of_variable(&self, host: &str, found_by: FoundBy) -> Result<EngineAddress, EngineError> {
        let mut address = EngineAddress { host: host.trim().to_owned(), tls: None, found_by };
        let is_docker = address.found_by == FoundBy::DockerHost;
        if parse::is_tcp(&address.host) && ((is_docker && self.tls_verify) || parse::is_https(&address.host)) {
            let folder = self.certificates.as_deref().or(self.docker_config.as_deref());
            let folder = folder.ok_or_else(|| address.unsupported("for TLS, DOCKER_CERT_PATH must name a folder"))?;
            address.tls = Some(TlsFiles::in_folder(folder));
            tls::check(&address)?;
        } else if parse::is_tcp(&address.host) && is_docker && self.tls {
            return Err(address.unsupported(tls::UNVERIFIED));
        }
        address.target()?;
        Ok(address)
    }

    fn usual_sockets(&self) -> Vec<PathBuf> {
        let of_user = ["docker.sock", "podman/podman.sock"];
        let of_user = self.runtime_dir.iter().flat_map(|folder| of_user.map(|name| folder.join(name)));
        [PathBuf::from(DOCKER_SOCKET)].into_iter().chain(of_user).chain([PathBuf::from(PODMAN_SOCKET)]).collect()
    }
}

/// The first socket on which somebody listens, else the first that is there, else Docker's.
fn usual(sockets: &[PathBuf]) -> EngineAddress {
    let answers = |socket: &&PathBuf| UnixStream::connect(socket).is_ok();
    let found = sockets.iter().find(answers).or_else(|| sockets.iter().find(|socket| socket.exists()));
    let socket = found.or(sockets.first()).map_or(Path::new(DOCKER_SOCKET), PathBuf::as_path);
    EngineAddress {
        host: format!("unix://{}", socket.display()),
        tls: None,
        found_by: FoundBy::UsualSocket(sockets.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::net::UnixListener};

    use super::*;

    fn choice(folder: &Path) -> EngineChoice {
        EngineChoice {
            docker_config: Some(folder.to_owned()),
            runtime_dir: Some(folder.join("run")),
            ..EngineChoice::default()
        }
    }

    /// Writes the client's configuration with a current context, and that context.
    fn use_context(folder: &Path, name: &str, meta: &str) {
        fs::write(folder.join("config.json"), format!("{{\"currentContext\":{name:?}}}")).unwrap();
        context::write(folder, name, meta);
    }

    const AT: &str =
        r#"{"Name":"x","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///a.sock","SkipTLSVerify":false}}}"#;

    #[test]
    fn the_host_comes_before_the_named_context_and_that_before_the_current_one() {
        let folder = tempfile::tempdir().unwrap();
        use_context(folder.path(), "current", AT);
        context::write(folder.path(), "named", &AT.replace("/a.sock", "/b.sock"));
        let mut choice = choice(folder.path());
        choice.container_host = Some("unix:///podman.sock".to_owned());
        let found = |choice: &EngineChoice| choice.address().map(|found| (found.host, found.found_by.to_string()));
        let (host, by) = found(&choice).unwrap();
        assert_eq!(host, "unix:///a.sock");
        assert!(by.contains("context current") && by.contains("config.json"), "{by}");
        choice.docker_context = Some("named".to_owned());
        let expected = "from Docker context named, named by DOCKER_CONTEXT".to_owned();
        assert_eq!(found(&choice).unwrap(), ("unix:///b.sock".to_owned(), expected));
        choice.docker_host = Some("tcp://127.0.0.1:1".to_owned());
        assert_eq!(found(&choice).unwrap(), ("tcp://127.0.0.1:1".to_owned(), "from DOCKER_HOST".to_owned()));
        // The context called `default` is what there is without contexts.
        (choice.docker_host, choice.docker_context) = (None, Some("default".to_owned()));
        assert_eq!(found(&choice).unwrap(), ("unix:///podman.sock".to_owned(), "from CONTAINER_HOST".to_owned()));
    }

    #[test]
    fn of_the_usual_sockets_the_one_that_answers_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let sockets = ["gone", "stale", "docker.sock"].map(|name| folder.path().join(name));
        let host = || usual(&sockets).host;
        assert_eq!(host(), format!("unix://{}", sockets[0].display()));
        drop(UnixListener::bind(&sockets[1]).unwrap());
        assert_eq!(host(), format!("unix://{}", sockets[1].display()));
        let _listens = UnixListener::bind(&sockets[2]).unwrap();
        assert_eq!(host(), format!("unix://{}", sockets[2].display()));
        let podman = choice(folder.path()).usual_sockets();
        assert!(podman.contains(&folder.path().join("run/podman/podman.sock")), "{podman:?}");
    }

    #[test]
    fn a_broken_configuration_of_the_client_is_as_none() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["{", "[]", r#"{"currentContext":null}"#, r#"{"currentContext":""}"#] {
            fs::write(folder.path().join("config.json"), text).unwrap();
            assert!(matches!(choice(folder.path()).address().unwrap().found_by, FoundBy::UsualSocket(_)), "{text}");
        }
    }

    #[test]
    fn tls_asks_for_its_certificates_and_is_never_unverified() {
        let folder = tempfile::tempdir().unwrap();
        let host = Some("tcp://127.0.0.1:2376".to_owned());
        let verified = EngineChoice { docker_host: host.clone(), tls_verify: true, ..choice(folder.path()) };
        let text = verified.address().unwrap_err().to_string();
        assert!(text.contains("ca.pem") && text.contains("DOCKER_CERT_PATH"), "{text}");
        fs::write(folder.path().join("ca.pem"), "x").unwrap();
        let files = verified.address().unwrap().tls.unwrap();
        // As for Docker's client, a certificate of one's own is sent where there is one.
        assert_eq!((files.authority.is_file(), files.identity()), (true, None));
        let unverified = EngineChoice { docker_host: host, tls: true, ..choice(folder.path()) };
        assert!(matches!(unverified.address(), Err(EngineError::Unsupported { .. })));
        // A socket needs none.
        let socket = EngineChoice { docker_host: Some("unix:///a.sock".to_owned()), ..verified };
        assert_eq!(socket.address().unwrap().tls, None);
    }
}
