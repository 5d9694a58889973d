//! Docker's contexts: what `docker context use` and `DOCKER_CONTEXT` name.

use std::{fs, io, path::Path};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{EngineAddress, FoundBy, TlsFiles, parse, tls};
use crate::EngineError;

/// The context that stands for what there is without contexts.
pub(super) const DEFAULT: &str = "default";

/// The current context of the client's configuration, and the file that says so. As for Docker's own client, a file that
/// cannot be read is no reason to stop.
pub(super) fn current(folder: &Path) -> Option<(String, String)> {
    let file = folder.join("config.json");
    let configuration = match read(&file) {
        Ok(configuration) => configuration,
        // A file in place of the folder is no configuration either.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return None,
        Err(error) => {
            let file = file.display();
            tracing::warn!("the Docker client's configuration {file} is not used for the current context: {error}");
            return None;
        }
    };
    let name = configuration.get("currentContext")?.as_str().filter(|name| !name.is_empty())?;
    Some((name.to_owned(), file.display().to_string()))
}

/// Reads a regular file: a pipe would wait for a writer. Editors put a mark before the text.
fn read(file: &Path) -> io::Result<Value> {
    if !fs::metadata(file)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let bytes = fs::read(file)?;
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    Ok(serde_json::from_slice(text)?)
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "Endpoints", default)]
    endpoints: Endpoints,
}

#[derive(Deserialize, Default)]
struct Endpoints {
    docker: Option<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(rename = "Host", default)]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_verify: bool,
}

/// The engine of a context in the client's folder.
pub(super) fn address(folder: Option<&Path>, name: &str, by: &str) -> Result<EngineAddress, EngineError> {
    let failed = |reason: String| EngineError::Context { name: name.to_owned(), by: by.to_owned(), reason };
    let folder = folder.ok_or_else(|| failed("neither DOCKER_CONFIG nor HOME says where contexts are".to_owned()))?;
    let file = folder.join("contexts/meta").join(digest(name)).join("meta.json");
    let text = fs::read(&file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => failed(format!("there is no such context in {}", folder.display())),
        _ => failed(format!("read {}: {error}", file.display())),
    })?;
    let meta: Meta =
        serde_json::from_slice(&text).map_err(|error| failed(format!("read {}: {error}", file.display())))?;
    let endpoint = meta.endpoints.docker.filter(|endpoint| !endpoint.host.is_empty());
    let endpoint = endpoint.ok_or_else(|| failed(format!("{} names no Docker engine", file.display())))?;
    let certificates = folder.join("contexts/tls").join(digest(name)).join("docker");
    let mut found = EngineAddress {
        host: endpoint.host,
        tls: None,
        found_by: FoundBy::Context { name: name.to_owned(), by: by.to_owned() },
    };
    if parse::is_tcp(&found.host) {
        if endpoint.skip_verify {
            return Err(found.unsupported(tls::UNVERIFIED));
        }
        if certificates.is_dir() || parse::is_https(&found.host) {
            found.tls = Some(TlsFiles::in_folder(&certificates));
            tls::check(&found)?;
        }
    }
    found.target()?;
    Ok(found)
}

fn digest(name: &str) -> String {
    format!("{:x}", Sha256::digest(name))
}

/// Makes a context, as Docker's client lays it out.
#[cfg(test)]
pub(super) fn write(folder: &Path, name: &str, meta: &str) {
    let of_context = folder.join("contexts/meta").join(digest(name));
    fs::create_dir_all(&of_context).unwrap();
    fs::write(of_context.join("meta.json"), meta).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(meta: &str) -> Result<EngineAddress, EngineError> {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "x", meta);
        address(Some(folder.path()), "x", "a test")
    }

    #[test]
    fn the_folders_name_is_the_digest_of_the_contexts() {
        // `printf elsewhere | sha256sum`.
        assert_eq!(digest("elsewhere"), "7b1b763ee8f62eb88e4742a760f912d0b19bcd58b2b948999784bacc15a7f4d7");
    }

    #[test]
    fn a_context_that_cannot_be_used_says_why() {
        let missing = address(Some(Path::new("/nonexistent")), "x", "DOCKER_CONTEXT");
        let text = missing.unwrap_err().to_string();
        assert!(text.contains("context x (named by DOCKER_CONTEXT)") && text.contains("no such context"), "{text}");
        for (meta, part) in [
            ("{", "meta.json"),
            (r#"{"Name":"x","Endpoints":{}}"#, "names no Docker engine"),
            (r#"{"Endpoints":{"docker":{"Host":"npipe:////./pipe/docker_engine"}}}"#, "npipe"),
            (r#"{"Endpoints":{"docker":{"Host":"tcp://a:1","SkipTLSVerify":true}}}"#, "without verification"),
        ] {
            let text = of(meta).unwrap_err().to_string();
            assert!(text.contains(part), "{meta}: {text}");
        }
    }

    #[test]
    fn the_current_context_is_read_as_the_rest_of_the_file_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        let name = || current(folder.path()).map(|(name, _)| name);
        assert_eq!(name(), None);
        for (text, expected) in [
            (r#"{"currentContext":"x"}"#, Some("x")),
            ("\u{feff}{\"currentContext\":\"x\"}", Some("x")),
            (r#"{"currentContext":""}"#, None),
            (r#"{"currentContext":null}"#, None),
            (r#"{"currentContext":5}"#, None),
            ("null", None),
            ("", None),
            ("{", None),
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(name().as_deref(), expected, "{text}");
        }
        assert_eq!(current(&file), None, "a file in place of the folder");
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert_eq!(name(), None);
        fs::remove_dir(&file).unwrap();
        // Nobody ever writes to it.
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        assert_eq!(name(), None);
    }

    #[test]
    fn certificates_of_a_context_are_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "x", r#"{"Endpoints":{"docker":{"Host":"tcp://a:2376"}}}"#);
        let find = || address(Some(folder.path()), "x", "a test");
        assert_eq!(find().unwrap().tls, None);
        let tls = folder.path().join("contexts/tls").join(digest("x")).join("docker");
        fs::create_dir_all(&tls).unwrap();
        assert!(matches!(find(), Err(EngineError::Certificate { .. })));
        for name in ["ca.pem", "cert.pem", "key.pem"] {
            fs::write(tls.join(name), "x").unwrap();
        }
        let files = find().unwrap().tls.unwrap();
        assert!(files.identity().is_some());
    }
}
