//! The credentials that `docker login` left for a registry: in the Docker client's file, or with a helper that it names.
//! Whatever is wrong there is told, and the registry is asked without credentials.

use std::{fmt, fs, io, path::Path, time::Duration};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use serde_json::{Map, Value};

use crate::ImageName;

/// Under which name the Docker client keeps its credentials for Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
/// What a helper says where it has no credentials.
const NOT_FOUND: &str = "credentials not found";
/// How long a helper may take; some ask a person.
const HELPER: Duration = Duration::from_secs(60);

/// Credentials for one registry.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    pub(crate) server: String,
    pub(crate) secret: Secret,
}

#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) enum Secret {
    Password { user: String, password: String },
    IdentityToken(String),
}

/// Secrets are not shown.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("server", &self.server).finish_non_exhaustive()
    }
}

/// The credentials for a registry cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("read the credentials for {server}, as `docker login` left them, in {folder}/config.json: {problem}")]
pub struct LoginError {
    server: String,
    folder: String,
    problem: String,
}

impl Login {
    /// The credentials for the registry of an image, as the Docker client whose configuration is in that folder has them;
    /// `None` where it has none.
    ///
    /// # Errors
    /// When the file cannot be read, or a helper that it names fails.
    pub async fn find(folder: &Path, image: &ImageName) -> Result<Option<Self>, LoginError> {
        let server = match image.registry() {
            "docker.io" => DOCKER_HUB.to_owned(),
            other => other.to_owned(),
        };
        let (folder, text) = (folder.display().to_string(), fs::read(folder.join("config.json")));
        let failed = |problem: String| LoginError { server: server.clone(), folder: folder.clone(), problem };
        let text = match text {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            text => text.map_err(|error| failed(error.to_string()))?,
        };
        let text = without_nulls(&text).map_err(|error| failed(error.to_string()))?;
        let asked = server.clone();
        // A helper is a program that answers when it likes.
        let find = tokio::task::spawn_blocking(move || get_credential_from_reader(text.as_slice(), &asked));
        let found = tokio::time::timeout(HELPER, find).await;
        let found = found.map_err(|_| failed(format!("its helper did not answer within {} s", HELPER.as_secs())))?;
        let found = found.map_err(|error| failed(error.to_string()))?;
        let secret = match found {
            Ok(DockerCredential::UsernamePassword(user, password)) => Secret::Password { user, password },
            Ok(DockerCredential::IdentityToken(token)) => Secret::IdentityToken(token),
            Err(CredentialRetrievalError::NoCredentialConfigured) => return Ok(None),
            Err(CredentialRetrievalError::HelperFailure { stdout, stderr, .. })
                if stdout.contains(NOT_FOUND) || stderr.contains(NOT_FOUND) =>
            {
                return Ok(None);
            }
            // What a helper prints may be a secret.
            Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
                return Err(failed(format!("`{helper} get` failed")));
            }
            Err(other) => return Err(failed(other.to_string())),
        };
        Ok(Some(Self { server, secret }))
    }
}

/// The parts of the file that are about credentials, without what is null or empty there and so says nothing.
fn without_nulls(text: &[u8]) -> serde_json::Result<Vec<u8>> {
    let says = |value: &mut Value| {
        if let Value::Object(fields) = value {
            fields.retain(|_, field| !field.is_null() && field.as_str() != Some(""));
        }
        !value.is_null() && value.as_str() != Some("")
    };
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut file: Option<Map<String, Value>> = serde_json::from_slice(text)?;
    let file = file.get_or_insert_default();
    file.retain(|name, value| {
        if let ("auths" | "credHelpers", Value::Object(servers)) = (name.as_str(), &mut *value) {
            servers.retain(|_, server| says(server));
        }
        ["auths", "credHelpers", "credsStore"].contains(&name.as_str()) && says(value)
    });
    serde_json::to_vec(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    async fn find(text: &str, image: &str) -> Result<Option<Login>, LoginError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), text).unwrap();
        Login::find(folder.path(), &ImageName::parse(image).unwrap()).await
    }

    fn password(user: &str, password: &str) -> Secret {
        Secret::Password { user: user.to_owned(), password: password.to_owned() }
    }

    #[tokio::test]
    async fn what_docker_login_wrote_is_found_for_its_registry_alone() {
        // `me:p:w` and `hub:x`.
        let text = r#"{"auths": {"localhost:5002": {"auth": "bWU6cDp3"},
            "https://index.docker.io/v1/": {"auth": "aHViOng="}, "https://other.example": {"identitytoken": "t"}}}"#;
        let login = find(text, "localhost:5002/node:1").await.unwrap().unwrap();
        assert_eq!((login.server.as_str(), &login.secret), ("localhost:5002", &password("me", "p:w")));
        assert!(!format!("{login:?}").contains("p:w"));
        for image in ["kindest/node", "docker.io/app", "index.docker.io/me/app:1"] {
            assert_eq!(find(text, image).await.unwrap().unwrap().secret, password("hub", "x"), "{image}");
        }
        let token = find(text, "other.example/app").await.unwrap().unwrap();
        assert_eq!(token.secret, Secret::IdentityToken("t".to_owned()));
        assert_eq!(find(text, "localhost:5003/node:1").await.unwrap(), None);
        for nothing in
            ["\u{feff}{}", "null", r#"{"auths": {"a.example": null}, "credsStore": ""}"#, r#"{"auths": null}"#]
        {
            assert_eq!(find(nothing, "a.example/b").await.unwrap(), None, "{nothing}");
        }
        let helped = r#"{"auths": {"a.example": {"auth": "", "username": "u", "password": "p"}}}"#;
        assert_eq!(find(helped, "a.example/b").await.unwrap().unwrap().secret, password("u", "p"));
        assert_eq!(Login::find(Path::new("/nonexistent"), &ImageName::parse("a").unwrap()).await.unwrap(), None);
    }

    /// Helpers are looked for in PATH, which belongs to the process.
    #[test]
    fn helpers_are_asked_and_what_they_print_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let helper = |name: &str, script: &str| {
            let path = folder.path().join(format!("docker-credential-{name}"));
            fs::write(&path, format!("#!/bin/sh\nread server\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        helper("answers", r#"echo "{\"Username\": \"u\", \"Secret\": \"$server\"}""#);
        helper("has-none", "echo 'credentials not found in native keychain'; exit 1");
        helper("fails", "echo half-a-secret; exit 1");
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "login::tests::with_helpers_in_its_path", "--nocapture"])
            .env("PATH", path)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&child.stdout);
        assert!(
            child.status.success() && text.contains("1 passed"),
            "{text}{}",
            String::from_utf8_lossy(&child.stderr)
        );
    }

    #[tokio::test]
    #[ignore = "`helpers_are_asked_and_what_they_print_is_not_shown` runs it, in a process with its own PATH"]
    async fn with_helpers_in_its_path() {
        let store = find(r#"{"auths": {"a.example": {}}, "credsStore": "answers"}"#, "a.example/b").await;
        assert_eq!(store.unwrap().unwrap().secret, password("u", "a.example"));
        let text = r#"{"credHelpers": {"a.example": "answers"}, "credsStore": "has-none"}"#;
        assert_eq!(find(text, "a.example/b").await.unwrap().unwrap().secret, password("u", "a.example"));
        assert_eq!(find(text, "b").await.unwrap(), None);
        let failed = find(r#"{"credsStore": "fails"}"#, "b").await.unwrap_err().to_string();
        assert!(failed.contains("docker-credential-fails") && !failed.contains("half-a-secret"), "{failed}");
        let missing = find(r#"{"credsStore": "of-nobody"}"#, "b").await.unwrap_err().to_string();
        assert!(missing.contains("https://index.docker.io/v1/") && missing.contains("helper"), "{missing}");
    }

    #[tokio::test]
    async fn a_broken_file_is_an_error_that_names_it() {
        let error = find("{", "localhost:5002/a").await.unwrap_err().to_string();
        assert!(error.contains("localhost:5002") && error.contains("config.json"), "{error}");
    }
}
