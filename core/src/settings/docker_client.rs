//! The Docker client's own configuration, `config.json`, for whoever needs a part of it.
//!
//! [`DockerClient::section`] is the one way to it. Nothing is read before a part is asked for, so ask where the part is
//! acted on and not before: a file that is broken or unreadable is then a warning of that moment, and counts as one
//! without the part, as Docker's own client has it. Null is nothing. A new reader declares a type for its part, with an
//! `Option` for every field that may be missing or null:
//!
//! ```ignore
//! #[derive(Deserialize)]
//! struct Login { auth: Option<String> }
//! let logins: Option<BTreeMap<String, Option<Login>>> = settings.docker_client.section("auths", "logins of registries");
//! ```

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{spec::Proxy, user_file};

/// Where the Docker client's configuration is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DockerClient {
    folder: Option<PathBuf>,
}

/// Its file cannot be read.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    File(#[from] io::Error),
    #[error("it is no JSON object: {0}")]
    Syntax(serde_json::Error),
    #[error("`{name}` is not of its form: {problem}")]
    Shape { name: &'static str, problem: serde_json::Error },
}

#[derive(Deserialize, Default)]
struct Client {
    #[serde(rename = "httpProxy")]
    http: Option<String>,
    #[serde(rename = "httpsProxy")]
    https: Option<String>,
    #[serde(rename = "noProxy")]
    exceptions: Option<String>,
}

impl DockerClient {
    /// The configuration in this folder; `None` where no variable says where it would be.
    pub fn at(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// Its folder (`DOCKER_CONFIG`, else `~/.docker`), there or not.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The field of this name at the top of `config.json`; `None` where there is none. `what` says in a warning what is
    /// not known then.
    pub fn section<T: DeserializeOwned>(&self, name: &'static str, what: &str) -> Option<T> {
        let path = self.folder()?.join("config.json");
        match section(&path, name) {
            Ok(found) => found,
            Err(problem) => {
                let path = path.display();
                tracing::warn!("the Docker client's configuration {path} is not used for the {what}: {problem}");
                None
            }
        }
    }

    /// The proxies for containers on the engine at this address: its own, else those for all engines.
    pub(super) fn proxy(&self, engine: &str) -> Proxy {
        let found: Option<BTreeMap<String, Option<Client>>> = self.section("proxies", "proxies of nodes");
        let mut proxies = found.unwrap_or_default();
        let of_engine = proxies.remove(engine).or_else(|| proxies.remove("default"));
        let Client { http, https, exceptions } = of_engine.flatten().unwrap_or_default();
        let set = |value: Option<String>| value.filter(|value| !value.is_empty());
        Proxy { http: set(http), https: set(https), exceptions: set(exceptions) }
    }
}

fn section<T: DeserializeOwned>(path: &Path, name: &'static str) -> Result<Option<T>, Unreadable> {
    let bytes = match user_file::read(path) {
        // A file in place of the folder is no configuration either.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        read => read?,
    };
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let mut file: Option<BTreeMap<String, Value>> = serde_json::from_slice(text).map_err(Unreadable::Syntax)?;
    let value = file.as_mut().and_then(|file| file.remove(name)).filter(|value| !value.is_null());
    value.map(serde_json::from_value).transpose().map_err(|problem| Unreadable::Shape { name, problem })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;

    use super::*;

    const SOCKET: &str = "unix:///var/run/docker.sock";

    fn file(text: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn of(text: &str, engine: &str) -> Proxy {
        let (folder, _) = file(text.as_bytes());
        DockerClient::at(Some(folder.path().to_owned())).proxy(engine)
    }

    #[test]
    fn an_engine_s_own_proxies_go_before_those_for_all() {
        let text = r#"{"auths":{},"proxies":{"default":{"httpProxy":"http://a","httpsProxy":"","noProxy":"b"},
            "tcp://x:2375":{"httpsProxy":"http://x"},"tcp://none":null}}"#;
        let expected = Proxy { http: Some("http://a".to_owned()), https: None, exceptions: Some("b".to_owned()) };
        assert_eq!(of(text, SOCKET), expected);
        let expected = Proxy { https: Some("http://x".to_owned()), ..Proxy::default() };
        assert_eq!(of(text, "tcp://x:2375"), expected);
        assert!(of(text, "tcp://none").is_none());
    }

    #[rstest]
    #[case::no_section("{}")]
    #[case::null("null")]
    #[case::null_section(r#"{"proxies": null}"#)]
    #[case::null_default(r#"{"proxies": {"default": null}}"#)]
    #[case::null_value(r#"{"proxies": {"default": {"httpProxy": null}}}"#)]
    #[case::mark("\u{feff}{\"proxies\": {}}")]
    fn nothing_is_no_mistake(#[case] text: &str) {
        let (_folder, path) = file(text.as_bytes());
        let found: Result<Option<BTreeMap<String, Option<Client>>>, _> = section(&path, "proxies");
        assert!(found.is_ok());
        assert!(of(text, SOCKET).is_none());
    }

    #[rstest]
    #[case::empty(b"", "it is no JSON object: EOF")]
    #[case::half(b"{\"auths\": {", "it is no JSON object: EOF")]
    #[case::list(b"[]", "it is no JSON object: invalid type")]
    #[case::latin(b"{\"a\": \"\xe9\"}", "it is no JSON")]
    #[case::section(b"{\"proxies\": 5}", "`proxies` is not of its form: invalid type")]
    fn what_cannot_be_read_is_told_and_is_nothing(#[case] text: &[u8], #[case] expected: &str) {
        let (folder, path) = file(text);
        let problem = section::<BTreeMap<String, Option<Client>>>(&path, "proxies").err().unwrap().to_string();
        assert!(problem.starts_with(expected), "{problem}");
        assert!(DockerClient::at(Some(folder.path().to_owned())).proxy(SOCKET).is_none());
    }

    #[test]
    fn a_mistake_elsewhere_in_the_file_does_not_matter() {
        assert_eq!(of(r#"{"auths": 5, "proxies": {"default": {"httpProxy": "a"}}}"#, SOCKET).http.unwrap(), "a");
    }

    #[test]
    fn without_a_file_there_is_nothing() {
        for folder in [None, Some(PathBuf::from("/nonexistent")), Some(PathBuf::from("/dev/null"))] {
            assert!(DockerClient::at(folder).proxy(SOCKET).is_none());
        }
    }
}
