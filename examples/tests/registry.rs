//! A cluster with a registry of its own: what is pushed there from this machine, pods run under the same name. With an image
//! on the engine, `docker push` does what `push` does here.

use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path};

use anyhow::Context as _;
use http::{Method, Request, header};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kind_harness::{Cluster, TestContext, TestNamespace, expect, kind_test};
use kube::{Api, Client, Config, client::Body};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::setup;

#[kind_test(config = "tests/registry.yaml")]
async fn pods_run_what_is_pushed(
    cluster: Cluster,
    context: TestContext,
    client: Client,
    ns: TestNamespace,
) -> anyhow::Result<()> {
    let registry = cluster.registry().context("the file asks for a registry")?;
    push(&registry, "redis", &setup::redis()?.build().await?.archive).await?;

    let container = json!({ "name": "redis", "image": format!("{registry}/redis:1") });
    let metadata = json!({ "name": "redis" });
    let spec = json!({ "containers": [container] });
    context.apply(json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec })).await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), &ns);
    expect(&pods, "redis").condition("Ready").await?;

    // Tools such as Tilt look here.
    let hosting = Api::<ConfigMap>::namespaced(client, "kube-public").get("local-registry-hosting").await?;
    let text = hosting.data.unwrap_or_default().remove("localRegistryHosting.v1").unwrap_or_default();
    assert!(text.contains(&format!("host: \"{registry}\"")), "{text}");
    Ok(())
}

/// Pushes the first image of a `docker save` archive as `NAME:1`.
async fn push(registry: &str, name: &str, archive: &Path) -> anyhow::Result<()> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(File::open(archive)?).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.insert(path, content);
    }
    let list: Value = serde_json::from_slice(files.get("manifest.json").context("it is no archive of images")?)?;
    let image = &list[0];
    let file = |path: &Value| path.as_str().and_then(|path| files.get(path)).context("the archive lacks a file");
    let to = Client::try_from(Config::new(format!("http://{registry}").parse()?))?;
    let config = blob(&to, name, "application/vnd.oci.image.config.v1+json", file(&image["Config"])?).await?;
    let mut layers = Vec::new();
    for layer in image["Layers"].as_array().into_iter().flatten() {
        layers.push(blob(&to, name, "application/vnd.oci.image.layer.v1.tar", file(layer)?).await?);
    }
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers });
    let path = format!("/v2/{name}/manifests/1");
    send(&to, Method::PUT, &path, media_type, manifest.to_string().into_bytes()).await?;
    Ok(())
}

/// Uploads one part, and returns how a manifest names it.
async fn blob(to: &Client, name: &str, media_type: &str, content: &[u8]) -> anyhow::Result<Value> {
    let digest = format!("sha256:{:x}", Sha256::digest(content));
    let begun = send(to, Method::POST, &format!("/v2/{name}/blobs/uploads/"), media_type, Vec::new()).await?;
    let place = begun.context("the registry says where to upload to")?;
    let place = format!("{place}{}digest={digest}", if place.contains('?') { '&' } else { '?' });
    send(to, Method::PUT, &place, "application/octet-stream", content.to_vec()).await?;
    Ok(json!({ "mediaType": media_type, "digest": digest, "size": content.len() }))
}

/// Asks the registry for something, and returns where it points to.
async fn send(
    to: &Client,
    method: Method,
    path: &str,
    media_type: &str,
    content: Vec<u8>,
) -> anyhow::Result<Option<String>> {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, media_type);
    let request = request.header(header::CONTENT_LENGTH, content.len()).body(Body::from(content))?;
    let response = to.send(request).await?;
    anyhow::ensure!(response.status().is_success(), "{path}: {}", response.status());
    Ok(response.headers().get(header::LOCATION).and_then(|place| place.to_str().ok()).map(str::to_owned))
}
