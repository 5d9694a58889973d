//! The proxies that the Docker client's own configuration names, for machines on which no variable does.

use std::{fs, io, path::Path};

use serde::Deserialize;

use crate::spec::Proxy;

/// Its file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("read the Docker client's configuration")]
pub struct DockerClientError(#[source] io::Error);

#[derive(Deserialize, Default)]
#[serde(default)]
struct Configuration {
    proxies: Proxies,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Proxies {
    /// For all engines; there may be others for one engine's address.
    default: Client,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Client {
    #[serde(rename = "httpProxy")]
    http: Option<String>,
    #[serde(rename = "httpsProxy")]
    https: Option<String>,
    #[serde(rename = "noProxy")]
    exceptions: Option<String>,
}

/// Reads `config.json` in the client's folder; without the file there is no proxy.
///
/// # Errors
/// When there is one and it is no JSON of its form.
pub(super) fn proxy(folder: &Path) -> Result<Proxy, DockerClientError> {
    let text = match fs::read(folder.join("config.json")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Proxy::default()),
        read => read.map_err(DockerClientError)?,
    };
    let found: Configuration = serde_json::from_slice(&text).map_err(|error| DockerClientError(error.into()))?;
    let Client { http, https, exceptions } = found.proxies.default;
    let set = |value: Option<String>| value.filter(|value| !value.is_empty());
    Ok(Proxy { http: set(http), https: set(https), exceptions: set(exceptions) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Proxy, DockerClientError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), text).unwrap();
        proxy(folder.path())
    }

    #[test]
    fn the_default_proxies_are_found() {
        let text =
            r#"{"auths":{},"proxies":{"default":{"httpProxy":"http://a","httpsProxy":"","noProxy":"b"},"tcp://x":{}}}"#;
        let expected = Proxy { http: Some("http://a".to_owned()), https: None, exceptions: Some("b".to_owned()) };
        assert_eq!(of(text).unwrap(), expected);
    }

    #[test]
    fn without_any_there_are_none() {
        assert!(of("{}").unwrap().is_none());
        assert!(proxy(Path::new("/nonexistent")).unwrap().is_none());
        assert!(of("{").is_err());
    }
}
