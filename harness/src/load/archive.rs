//! What an archive of images holds: `docker save`'s form, old and new, and the OCI image layout; as they are, or
//! compressed by gzip or zstd.

use std::{
    fs::File,
    io::{self, Read, Seek as _},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    LoadError,
    members::{Member, Members},
    names::spelled_out,
};

/// The longest list or manifest that is read.
const LARGEST_TEXT: u64 = 16 << 20;
/// How deep lists of lists of manifests go.
const DEEPEST: usize = 4;

/// An open archive.
#[derive(Debug)]
pub(super) struct Archive {
    pub(super) path: PathBuf,
    pub(super) members: Members,
    pub(super) images: Vec<ArchivedImage>,
}

/// One image of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArchivedImage {
    /// The digest of its configuration, `sha256:…`, which nodes use as the image's identity.
    pub(super) id: String,
    /// Its names, spelled out.
    pub(super) tags: Vec<String>,
    /// What it is for, such as `linux/amd64`.
    pub(super) platform: String,
    /// Its configuration's text.
    pub(super) config: Vec<u8>,
    /// Its manifest's media type and text, where the archive has one.
    pub(super) manifest: Option<(String, Vec<u8>)>,
    /// Its layers, the lowest first.
    pub(super) layers: Vec<Layer>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    /// The digest of its bytes in the archive.
    pub(super) digest: String,
    /// What nodes call the file system that consists of this layer and all below it.
    pub(super) chain: String,
    /// Its bytes; `None` where the archive leaves them out.
    pub(super) member: Option<Member>,
}

#[derive(Deserialize)]
struct ManifestEntry {
    #[serde(rename = "Config")]
    config: String,
    #[serde(rename = "RepoTags", default)]
    tags: Option<Vec<String>>,
    #[serde(rename = "Layers", default)]
    layers: Vec<String>,
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

impl Archive {
    /// Opens an archive and reads its lists. An image for several platforms counts as the one for `platform`.
    pub(super) fn open(path: &Path, platform: &str) -> Result<Self, LoadError> {
        let unreadable = |source| LoadError::File { action: "read", path: path.to_owned(), source };
        let problem = |problem: String| LoadError::Archive { path: path.to_owned(), problem };
        let file = File::open(path).map_err(unreadable)?;
        let file = uncompressed(file).map_err(|error| problem(error.to_string()))?;
        let members = Members::of(file).map_err(|error| problem(error.to_string()))?;
        let images = if members.find("index.json").is_some() {
            of_layout(&members, platform)
        } else if members.find("manifest.json").is_some() {
            of_docker(&members)
        } else {
            Err("there is no manifest.json and no index.json in it; expected what `docker save` writes, or an OCI \
                 image layout"
                .to_owned())
        };
        let images = images.map_err(problem)?;
        if images.is_empty() {
            return Err(problem("there is no image in it".to_owned()));
        }
        Ok(Self { path: path.to_owned(), members, images })
    }
}

/// The file itself, or what it holds compressed, in a temporary file that goes with its handle.
fn uncompressed(mut file: File) -> io::Result<File> {
    let mut head = [0; 6];
    let length = file.read(&mut head)?;
    file.rewind()?;
    let mut plain: Box<dyn Read> = match &head[..length] {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(file))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            Box::new(ruzstd::decoding::StreamingDecoder::new(io::BufReader::new(file)).map_err(io::Error::other)?)
        }
        [0xfd, b'7', b'z', b'X', b'Z', ..] | [b'B', b'Z', b'h', ..] => {
            return Err(io::Error::other("it is compressed by xz or bzip2; decompress it first, or use gzip or zstd"));
        }
        _ => return Ok(file),
    };
    let mut copy = tempfile::tempfile()?;
    io::copy(&mut plain, &mut copy)?;
    copy.rewind()?;
    Ok(copy)
}

fn text(members: &Members, name: &str) -> Result<Vec<u8>, String> {
    let found = members.read(name, LARGEST_TEXT).map_err(|error| format!("{name}: {error}"))?;
    found.ok_or_else(|| format!("{name} is missing in it"))
}

fn json<T: serde::de::DeserializeOwned>(name: &str, text: &[u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| format!("{name}: {error}"))
}

/// `docker save` of engines before 25.
fn of_docker(members: &Members) -> Result<Vec<ArchivedImage>, String> {
    let entries: Vec<ManifestEntry> = json("manifest.json", &text(members, "manifest.json")?)?;
    let image = |entry: ManifestEntry| {
        let config = text(members, &entry.config)?;
        let Configuration { os, architecture, rootfs } = json(&entry.config, &config)?;
        if rootfs.diff_ids.len() != entry.layers.len() {
            let (named, there) = (rootfs.diff_ids.len(), entry.layers.len());
            return Err(format!("{} names {named} layers, manifest.json {there}", entry.config));
        }
        let chains = chains(&rootfs.diff_ids);
        let layers = rootfs.diff_ids.iter().zip(chains).zip(&entry.layers).map(|((digest, chain), name)| Layer {
            digest: digest.clone(),
            chain,
            member: members.find(name),
        });
        Ok(ArchivedImage {
            id: digest(&config),
            tags: entry.tags.unwrap_or_default().iter().map(|tag| spelled_out(tag)).collect(),
            platform: format!("{os}/{architecture}"),
            layers: layers.collect(),
            manifest: None,
            config,
        })
    };
    entries.into_iter().map(image).collect()
}

/// An OCI image layout, and `docker save` of engines from 25 on.
fn of_layout(members: &Members, platform: &str) -> Result<Vec<ArchivedImage>, String> {
    let index: Value = json("index.json", &text(members, "index.json")?)?;
    let mut images: Vec<ArchivedImage> = Vec::new();
    for descriptor in index["manifests"].as_array().into_iter().flatten() {
        let Some(image) = of_descriptor(members, descriptor, platform, DEEPEST)? else { continue };
        let name = ["io.containerd.image.name", "org.opencontainers.image.ref.name"]
            .iter()
            .find_map(|annotation| descriptor["annotations"][annotation].as_str())
            .filter(|name| name.contains([':', '/']));
        match images.iter_mut().find(|known| known.id == image.id) {
            Some(known) => known.tags.extend(name.map(spelled_out)),
            None => images.push(ArchivedImage { tags: name.map(spelled_out).into_iter().collect(), ..image }),
        }
    }
    // Docker writes its own list beside, with every name in it.
    if let Some(list) = members.read("manifest.json", LARGEST_TEXT).map_err(|error| error.to_string())? {
        let entries: Vec<ManifestEntry> = json("manifest.json", &list)?;
        for entry in entries {
            let digest = entry.config.rsplit('/').next().unwrap_or_default().trim_end_matches(".json");
            let image = images.iter_mut().find(|image| image.id.strip_prefix("sha256:") == Some(digest));
            let Some(image) = image else { continue };
            image.tags.extend(entry.tags.unwrap_or_default().iter().map(|tag| spelled_out(tag)));
        }
    }
    for image in &mut images {
        image.tags.sort();
        image.tags.dedup();
    }
    Ok(images)
}

/// The image that a descriptor leads to; none where it leads to something else, or nothing of it is for the platform.
fn of_descriptor(
    members: &Members,
    descriptor: &Value,
    platform: &str,
    depth: usize,
) -> Result<Option<ArchivedImage>, String> {
    let name = blob(descriptor["digest"].as_str().unwrap_or_default())?;
    let manifest_text = text(members, &name)?;
    let manifest: Value = json(&name, &manifest_text)?;
    if let Some(list) = manifest["manifests"].as_array() {
        if depth == 0 {
            return Err(format!("{name}: lists of lists go too deep"));
        }
        let platform_of = |item: &&Value| {
            let word = |field: &str| item["platform"][field].as_str().unwrap_or_default().to_owned();
            format!("{}/{}", word("os"), word("architecture"))
        };
        let is_there = |item: &&Value| {
            item["digest"]
                .as_str()
                .and_then(|digest| blob(digest).ok())
                .is_some_and(|name| members.find(&name).is_some())
        };
        let there: Vec<&Value> =
            list.iter().filter(is_there).filter(|item| platform_of(item) != "unknown/unknown").collect();
        let best = there.iter().find(|item| platform_of(item) == platform).or(there.first());
        return best.map_or(Ok(None), |item| of_descriptor(members, item, platform, depth - 1));
    }
    let config_digest = manifest["config"]["digest"].as_str().unwrap_or_default();
    let config_name = blob(config_digest)?;
    let config = text(members, &config_name)?;
    let Ok(Configuration { os, architecture, rootfs }) = json(&config_name, &config) else { return Ok(None) };
    let layers = manifest["layers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if layers.len() != rootfs.diff_ids.len() {
        return Err(format!("{config_name} names {} layers, its manifest {}", rootfs.diff_ids.len(), layers.len()));
    }
    let layer = |(item, chain): (&Value, String)| {
        let digest = item["digest"].as_str().unwrap_or_default().to_owned();
        Ok(Layer { member: members.find(&blob(&digest)?), digest, chain })
    };
    let layers = layers.iter().zip(chains(&rootfs.diff_ids)).map(layer).collect::<Result<_, String>>()?;
    let media_type = ["mediaType"].iter().find_map(|field| manifest[field].as_str().or(descriptor[field].as_str()));
    let media_type = media_type.unwrap_or("application/vnd.oci.image.manifest.v1+json").to_owned();
    Ok(Some(ArchivedImage {
        id: config_digest.to_owned(),
        tags: Vec::new(),
        platform: format!("{os}/{architecture}"),
        config,
        manifest: Some((media_type, manifest_text)),
        layers,
    }))
}

/// Where a layout has the bytes of a digest.
pub(super) fn blob(digest: &str) -> Result<String, String> {
    let is_hexadecimal = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match digest.strip_prefix("sha256:") {
        Some(hexadecimal) if is_hexadecimal(hexadecimal) => Ok(format!("blobs/sha256/{hexadecimal}")),
        _ => Err(format!("found digest {digest:?}, expected sha256: and 64 hexadecimal digits")),
    }
}

pub(super) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(bytes))
}

/// What nodes call each layer with all below it (`ChainID` of the OCI image specification).
fn chains(diff_ids: &[String]) -> Vec<String> {
    let mut chains: Vec<String> = Vec::new();
    for diff_id in diff_ids {
        let chain = chains.last().map(|below| digest(format!("{below} {diff_id}").as_bytes()));
        chains.push(chain.unwrap_or_else(|| diff_id.clone()));
    }
    chains
}
