//! Requests about images.

use std::{collections::HashMap, path::Path, time::Duration};

use bollard::{
    ClientVersion, Docker,
    auth::DockerCredentials,
    models::{ContainerConfig, CreateImageInfo},
    query_parameters::{
        CommitContainerOptions, CreateImageOptions, ImportImageOptions, ListImagesOptions, RemoveImageOptions,
        TagImageOptions,
    },
};
use futures::{Stream, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;

use super::request::{label_filter, optional, send, translate};
use crate::{EngineError, ImageFacts, ImageName, Labels, Login, Pull, Pulled, login::Secret};

/// How long the engine may be silent while it moves an image: a registry that hangs must not hang us.
const STALL: Duration = Duration::from_secs(180);

/// The first API with which an engine tells what manifests an image has.
const MANIFESTS_API: ClientVersion = ClientVersion { major_version: 1, minor_version: 48 };

pub(super) async fn inspect(docker: &Docker, reference: &str) -> Result<Option<ImageFacts>, EngineError> {
    parsed("look for the image", reference)?;
    let answer = send("inspect image", reference, docker.inspect_image(reference)).await;
    Ok(optional(answer)?.map(|image| {
        let config = image.config.unwrap_or_default();
        ImageFacts {
            id: image.id.unwrap_or_default(),
            tags: image.repo_tags.unwrap_or_default(),
            digests: image.repo_digests.unwrap_or_default(),
            labels: config.labels.unwrap_or_default().into_iter().collect(),
            size: image.size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
            architecture: image.architecture.unwrap_or_default(),
            stop_signal: config.stop_signal,
            command: config.entrypoint.into_iter().chain(config.cmd).flatten().collect(),
        }
    }))
}

pub(super) async fn list(docker: &Docker, labels: &Labels) -> Result<Vec<ImageFacts>, EngineError> {
    let options = ListImagesOptions { filters: Some(label_filter(labels)), ..ListImagesOptions::default() };
    let found = send("list", "images", docker.list_images(Some(options))).await?;
    let facts = found.into_iter().map(|image| ImageFacts {
        id: image.id,
        tags: image.repo_tags,
        digests: image.repo_digests,
        labels: image.labels.into_iter().collect(),
        size: u64::try_from(image.size).unwrap_or(0),
        architecture: String::new(),
        stop_signal: None,
        command: Vec::new(),
    });
    Ok(facts.collect())
}

pub(super) async fn manifests(docker: &Docker, image: &ImageFacts) -> Result<Vec<String>, EngineError> {
    if docker.client_version() < MANIFESTS_API {
        return Ok(Vec::new());
    }
    let filters = image.tags.first().map(|tag| HashMap::from([("reference".to_owned(), vec![tag.clone()])]));
    let options = ListImagesOptions { filters, manifests: true, ..ListImagesOptions::default() };
    let found = send("list the manifests of", &image.id, docker.list_images(Some(options))).await?;
    let manifests = found.into_iter().find(|found| found.id == image.id).and_then(|found| found.manifests);
    let mut digests: Vec<String> =
        manifests.iter().flatten().filter(|one| one.available).map(|one| one.id.clone()).collect();
    if !digests.is_empty() {
        digests.push(image.id.clone());
    }
    Ok(digests)
}

pub(super) async fn pull(docker: &Docker, reference: &str, pull: Pull<'_>) -> Result<(), EngineError> {
    const ACTION: &str = "pull image";
    let name = parsed(ACTION, reference)?;
    // Without a tag the engine would pull every tag that there is.
    let options = CreateImageOptions {
        from_image: Some(without_version(reference).to_owned()),
        tag: Some(name.version().to_owned()),
        ..CreateImageOptions::default()
    };
    let messages = docker.create_image(Some(options), None, pull.login.map(credentials));
    let mut layers = Layers::default();
    finish(
        ACTION,
        reference,
        messages.inspect(|message| {
            if let Ok(message) = message
                && layers.hear(message)
            {
                (pull.progress)(layers.sum());
            }
        }),
    )
    .await
}

fn parsed(action: &'static str, reference: &str) -> Result<ImageName, EngineError> {
    ImageName::parse(reference).map_err(|source| EngineError::ImageName { action, source })
}

fn credentials(login: &Login) -> DockerCredentials {
    let server = DockerCredentials { serveraddress: Some(login.server.clone()), ..DockerCredentials::default() };
    match &login.secret {
        Secret::Password { user, password } => {
            DockerCredentials { username: Some(user.clone()), password: Some(password.clone()), ..server }
        }
        Secret::IdentityToken(token) => DockerCredentials { identitytoken: Some(token.clone()), ..server },
    }
}

/// How much of each layer is there, and how much there is to come.
#[derive(Default)]
struct Layers(HashMap<String, Pulled>);

impl Layers {
    /// Whether the message is about a download.
    fn hear(&mut self, message: &CreateImageInfo) -> bool {
        let (Some(id), Some(status)) = (&message.id, &message.status) else { return false };
        let Some(detail) = &message.progress_detail else { return false };
        let count = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
        match (status.as_str(), count(detail.current), count(detail.total)) {
            ("Downloading", Some(bytes), Some(of)) => _ = self.0.insert(id.clone(), Pulled { bytes, of }),
            ("Download complete" | "Pull complete", ..) => {
                let Some(layer) = self.0.get_mut(id) else { return false };
                layer.bytes = layer.of;
            }
            _ => return false,
        }
        true
    }

    fn sum(&self) -> Pulled {
        let add = |sum: Pulled, one: &Pulled| Pulled { bytes: sum.bytes + one.bytes, of: sum.of + one.of };
        self.0.values().fold(Pulled::default(), add)
    }
}

pub(super) async fn import(
    docker: &Docker,
    tar: &Path,
    reference: &str,
    changes: &[String],
) -> Result<(), EngineError> {
    let options = CreateImageOptions {
        from_src: Some("-".to_owned()),
        repo: Some(reference.to_owned()),
        changes: changes.to_vec(),
        ..CreateImageOptions::default()
    };
    let body = bollard::body_try_stream(file_stream(tar).await?);
    finish("import image", reference, docker.create_image(Some(options), Some(body), None)).await
}

pub(super) async fn load(docker: &Docker, tar: &Path) -> Result<(), EngineError> {
    let object = tar.display().to_string();
    let parts = docker.import_image_stream(ImportImageOptions::default(), file_stream(tar).await?, None);
    finish("load images from", &object, parts).await
}

pub(super) async fn save(docker: &Docker, references: &[String], tar: &Path) -> Result<(), EngineError> {
    let file_error = |source| EngineError::File { action: "write", path: tar.to_owned(), source };
    let names: Vec<&str> = references.iter().map(String::as_str).collect();
    let mut file = tokio::fs::File::create(tar).await.map_err(file_error)?;
    let mut parts = std::pin::pin!(docker.export_images(&names));
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| translate("save image", &references.join(", "), error))?;
        file.write_all(&part).await.map_err(file_error)?;
    }
    file.flush().await.map_err(file_error)
}

pub(super) async fn tag(docker: &Docker, reference: &str, name: &str) -> Result<(), EngineError> {
    let (repo, tag) = split_tag(name);
    let options = TagImageOptions { repo: Some(repo.to_owned()), tag: Some(tag.to_owned()) };
    send("tag image", reference, docker.tag_image(reference, Some(options))).await
}

pub(super) async fn commit(
    docker: &Docker,
    container: &str,
    reference: &str,
    changes: &[String],
) -> Result<(), EngineError> {
    let (repo, tag) = split_tag(reference);
    let options = CommitContainerOptions {
        container: Some(container.to_owned()),
        repo: Some(repo.to_owned()),
        tag: Some(tag.to_owned()),
        changes: Some(changes.join("\n")),
        pause: true,
        ..CommitContainerOptions::default()
    };
    // Gigabytes may be copied here, so the limit is the caller's.
    docker
        .commit_container(options, ContainerConfig::default())
        .await
        .map_err(|error| translate("commit container", container, error))?;
    Ok(())
}

pub(super) async fn remove(docker: &Docker, reference: &str) -> Result<(), EngineError> {
    let options = RemoveImageOptions::default();
    optional(send("remove image", reference, docker.remove_image(reference, Some(options), None)).await)?;
    Ok(())
}

/// Reads a stream of progress messages to its end; an error among them is the request's.
async fn finish<T>(
    action: &'static str,
    object: &str,
    messages: impl Stream<Item = Result<T, bollard::errors::Error>>,
) -> Result<(), EngineError> {
    let mut messages = std::pin::pin!(messages);
    let stalled = |_| EngineError::TimedOut { action, object: object.to_owned(), seconds: STALL.as_secs() };
    while let Some(message) = tokio::time::timeout(STALL, messages.next()).await.map_err(stalled)? {
        message.map_err(|error| translate(action, object, error))?;
    }
    Ok(())
}

async fn open(path: &Path) -> Result<tokio::fs::File, EngineError> {
    let opened = tokio::fs::File::open(path).await;
    opened.map_err(|source| EngineError::File { action: "read", path: path.to_owned(), source })
}

/// A file as the stream of a request's body.
pub(super) async fn file_stream(path: &Path) -> Result<ReaderStream<tokio::fs::File>, EngineError> {
    Ok(ReaderStream::new(open(path).await?))
}

/// A reference without its tag and digest.
fn without_version(reference: &str) -> &str {
    let named = reference.split_once('@').map_or(reference, |(named, _)| named);
    split_tag(named).0
}

/// Repository and tag of a reference; a colon before the last slash belongs to the registry's port.
fn split_tag(reference: &str) -> (&str, &str) {
    match reference.rsplit_once(':') {
        Some((repo, tag)) if !tag.contains('/') => (repo, tag),
        _ => (reference, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_not_a_tag() {
        assert_eq!(split_tag("localhost:5000/a"), ("localhost:5000/a", "latest"));
        assert_eq!(split_tag("localhost:5000/a:v1"), ("localhost:5000/a", "v1"));
        assert_eq!(split_tag("kind-rs/node:v1.37.2-abc"), ("kind-rs/node", "v1.37.2-abc"));
        assert_eq!(without_version("localhost:5000/a"), "localhost:5000/a");
        assert_eq!(without_version("localhost:5000/a:v1@sha256:00"), "localhost:5000/a");
        assert_eq!(without_version("a@sha256:00"), "a");
    }

    #[test]
    fn a_pulls_progress_is_the_sum_of_its_layers() {
        let message = |text: &str| serde_json::from_str::<CreateImageInfo>(text).unwrap();
        let mut layers = Layers::default();
        assert!(!layers.hear(&message(r#"{"status":"Pulling from library/a","id":"latest"}"#)));
        assert!(!layers.hear(&message(r#"{"status":"Extracting","progressDetail":{"current":1,"total":2},"id":"a"}"#)));
        for (id, bytes) in [("a", 10_000_000), ("b", 1), ("a", 60_000_000)] {
            let text = format!(
                r#"{{"status":"Downloading","progressDetail":{{"current":{bytes},"total":100000000}},"id":"{id}"}}"#
            );
            assert!(layers.hear(&message(&text)));
        }
        assert_eq!(layers.sum().to_string(), "60 of 200 MB");
        assert!(layers.hear(&message(r#"{"status":"Download complete","progressDetail":{},"id":"b"}"#)));
        assert_eq!(layers.sum(), Pulled { bytes: 160_000_000, of: 200_000_000 });
    }
}
