//! A registry on loopback, from which the engine pulls what it saved before. It takes nothing.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Path as Wanted, State},
    http::{HeaderName, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use kind_engine::Engine;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";

const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// The registry, for as long as the runtime lasts that it was opened in.
pub(crate) struct Hub {
    port: u16,
    served: Arc<Mutex<Vec<String>>>,
}

/// What it has.
#[derive(Clone, Default)]
struct Content {
    /// Names, with their manifests.
    manifests: HashMap<String, Vec<u8>>,
    /// Digests, with the type and the file of each.
    blobs: HashMap<String, (&'static str, PathBuf)>,
    served: Arc<Mutex<Vec<String>>>,
}

impl Hub {
    /// Serves an image of the engine's under a name and a tag, without its labels and with another command: so it is none
    /// that the engine has. `folder` keeps what is served.
    pub(crate) async fn open(
        engine: &dyn Engine,
        image: &str,
        (name, tag): (&str, &str),
        command: &[&str],
        folder: &Path,
    ) -> Self {
        let tar = folder.join("image.tar");
        engine.save_images(&[image.to_owned()], &tar).await.expect("save the image");
        let unpacked = folder.join("image");
        tar::Archive::new(fs::File::open(&tar).expect("the archive")).unpack(&unpacked).expect("unpack the image");
        fs::remove_file(&tar).expect("remove the archive");
        let mut content = Content::default();
        let manifest = content.add(&unpacked, command);
        for version in [tag.to_owned(), digest(&manifest)] {
            content.manifests.insert(format!("{name}/manifests/{version}"), manifest.clone());
        }
        let served = Arc::clone(&content.served);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let router = Router::new()
            .route("/v2/", get(StatusCode::OK))
            .route("/v2/{*wanted}", get(serve))
            .with_state(Arc::new(content));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, served }
    }

    /// Its host and port, as names of images begin.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What was asked for, in order: layers, manifests and configurations.
    pub(crate) fn served(&self) -> Vec<String> {
        self.served.lock().expect("nobody panics with it").clone()
    }
}

impl Content {
    /// Takes up an unpacked image, and returns its manifest.
    fn add(&mut self, unpacked: &Path, command: &[&str]) -> Vec<u8> {
        let list: Value = read(&unpacked.join("manifest.json"));
        let path = |value: &Value| unpacked.join(value.as_str().expect("a path"));
        let mut described: Value = read(&path(&list[0]["Config"]));
        described["config"] = json!({ "Cmd": command, "Env": described["config"]["Env"] });
        let differences = described["rootfs"]["diff_ids"].as_array().expect("layers").iter();
        let layers: Vec<Value> = differences
            .zip(list[0]["Layers"].as_array().expect("layers"))
            .map(|(difference, layer)| {
                let digest = difference.as_str().expect("a digest").to_owned();
                self.describe(LAYER, digest, path(layer))
            })
            .collect();
        let described = serde_json::to_vec(&described).expect("plain data");
        let config = unpacked.join("configuration");
        fs::write(&config, &described).expect("write the configuration");
        let config = self.describe(CONFIG, digest(&described), config);
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
        serde_json::to_vec(&manifest).expect("plain data")
    }

    fn describe(&mut self, media_type: &'static str, digest: String, file: PathBuf) -> Value {
        let size = fs::metadata(&file).expect("a part of the image").len();
        let described = json!({ "mediaType": media_type, "size": size, "digest": digest });
        self.blobs.insert(digest, (media_type, file));
        described
    }
}

async fn serve(State(content): State<Arc<Content>>, Wanted(wanted): Wanted<String>) -> Response {
    content.served.lock().expect("nobody panics with it").push(wanted.clone());
    if let Some(manifest) = content.manifests.get(&wanted) {
        let headers = [(CONTENT_TYPE, MANIFEST.to_owned()), (DIGEST, digest(manifest))];
        return (headers, manifest.clone()).into_response();
    }
    let blob = wanted.rsplit_once("/blobs/").and_then(|(_, digest)| content.blobs.get(digest));
    let Some((media_type, file)) = blob else { return StatusCode::NOT_FOUND.into_response() };
    ([(CONTENT_TYPE, *media_type)], fs::read(file).expect("a part of the image")).into_response()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a part of the image")).expect("JSON")
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(bytes))
}
