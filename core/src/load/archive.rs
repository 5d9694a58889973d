//! An archive of images as one opens it: a file or a stream, as it is or compressed; and which of its images are meant.
//! What the two forms of archives say is read in `docker` and `layout`.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read, Seek as _},
    path::{Path, PathBuf},
};

use kind_engine::ImageName;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{
    LoadError, docker, layout,
    members::{Member, Members},
};

/// The longest list or manifest that is read.
const LARGEST_TEXT: u64 = 16 << 20;

/// An open archive.
#[derive(Debug)]
pub(super) struct Archive {
    pub(super) path: PathBuf,
    pub(super) members: Members,
    /// Every image, those of other platforms too until some are chosen.
    pub(super) images: Vec<ArchivedImage>,
}

/// One image of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArchivedImage {
    /// The digest of its configuration, `sha256:…`, which nodes use as the image's identity.
    pub(super) id: String,
    /// Its names, spelled out.
    pub(super) names: Vec<String>,
    /// What it is for.
    pub(super) platform: Platform,
    /// Its configuration's text.
    pub(super) config: Vec<u8>,
    /// Its manifest's media type and text, where the archive has one.
    pub(super) manifest: Option<(String, Vec<u8>)>,
    /// The digests of its manifest and of the lists that lead to it.
    pub(super) manifests: Vec<String>,
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
    /// Its media type's end where the archive does not say it: `tar`, `tar+gzip` or `tar+zstd`.
    pub(super) form: &'static str,
}

/// An operating system and an architecture in Go's words; empty where nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Platform {
    pub(super) os: String,
    pub(super) architecture: String,
}

/// What is read of an image's configuration.
#[derive(Deserialize)]
pub(super) struct Configuration {
    os: Option<String>,
    architecture: Option<String>,
    rootfs: Option<RootFs>,
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Option<Vec<String>>,
}

impl Configuration {
    pub(super) fn platform(&self) -> Platform {
        let architecture = match self.architecture.as_deref().unwrap_or_default() {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Platform { os: self.os.clone().unwrap_or_default(), architecture: architecture.to_owned() }
    }

    /// The digests of its layers as they are when nothing compresses them; an image of labels alone has none.
    pub(super) fn diff_ids(self) -> Vec<String> {
        self.rootfs.and_then(|rootfs| rootfs.diff_ids).unwrap_or_default()
    }
}

impl Platform {
    /// Whether nodes of that architecture run it, as far as it says.
    pub(super) fn runs_on(&self, architecture: &str) -> bool {
        ["", "linux"].contains(&self.os.as_str()) && ["", architecture].contains(&self.architecture.as_str())
    }

    /// For people.
    pub(super) fn words(&self) -> String {
        match (self.os.as_str(), self.architecture.as_str()) {
            ("" | "linux", architecture) => architecture.to_owned(),
            (os, "") => os.to_owned(),
            (os, architecture) => format!("{os}/{architecture}"),
        }
    }
}

impl Archive {
    /// Opens a file and reads its lists. What cannot be read twice, such as a pipe, is copied.
    pub(super) fn open(path: &Path) -> Result<Self, LoadError> {
        let unreadable = |source| LoadError::File { action: "read", path: path.to_owned(), source };
        let problem = |problem: String| LoadError::Archive { path: path.to_owned(), problem };
        let mut file = File::open(path).map_err(unreadable)?;
        let kind = file.metadata().map_err(unreadable)?.file_type();
        if kind.is_dir() {
            let way = "`tar -C FOLDER -cf FILE .` makes one of an OCI layout";
            return Err(problem(format!("it is a folder, expected a file; {way}")));
        }
        if kind.is_file() {
            let mut head = [0; HEAD];
            let length = file.read(&mut head).map_err(unreadable)?;
            file.rewind().map_err(unreadable)?;
            if Form::of(&head[..length]) == Form::Plain && length > 0 {
                return Self::of(path, file);
            }
        }
        Self::read(file, path)
    }

    /// Reads a stream to its end. `name` is for people.
    pub(super) fn read(stream: impl Read, name: &Path) -> Result<Self, LoadError> {
        let problem = |error: io::Error| LoadError::Archive { path: name.to_owned(), problem: error.to_string() };
        let file = copy(stream).map_err(problem)?;
        Self::of(name, file)
    }

    fn of(path: &Path, file: File) -> Result<Self, LoadError> {
        let problem = |problem: String| LoadError::Archive { path: path.to_owned(), problem };
        let members = Members::of(file).map_err(|error| problem(error.to_string()))?;
        let images = images(&members).map_err(problem)?;
        Ok(Self { path: path.to_owned(), members, images })
    }

    /// Whether it is plain which images are meant, whatever the nodes are.
    pub(super) fn is_for_one_platform(&self) -> bool {
        self.images.windows(2).all(|pair| pair[0].platform == pair[1].platform)
    }

    /// Leaves out what is there for other platforms beside an image that these nodes run. A name is given once.
    pub(super) fn choose(&mut self, architecture: &str) {
        let fitting: Vec<ArchivedImage> =
            self.images.iter().filter(|image| image.platform.runs_on(architecture)).cloned().collect();
        self.images
            .retain(|image| image.platform.runs_on(architecture) || !fitting.iter().any(|one| one.stands_for(image)));
        let mut given = BTreeSet::new();
        self.images.retain_mut(|image| {
            let had_none = image.names.is_empty();
            image.names.retain(|name| given.insert(name.clone()));
            had_none || !image.names.is_empty()
        });
    }
}

impl ArchivedImage {
    /// Whether both are the same image for different platforms.
    fn stands_for(&self, other: &Self) -> bool {
        let shares = |own: &[String], others: &[String]| own.iter().any(|one| others.contains(one));
        shares(&self.names, &other.names)
            || shares(&self.manifests, &other.manifests)
            || (self.names.is_empty() && other.names.is_empty())
    }

    /// What to call it.
    pub(super) fn label(&self) -> String {
        if self.names.is_empty() { self.id.clone() } else { self.names.join(", ") }
    }
}

fn images(members: &Members) -> Result<Vec<ArchivedImage>, String> {
    let (has_layout, has_list) = (members.find("index.json").is_some(), members.find("manifest.json").is_some());
    if !has_layout && !has_list {
        return Err(
            "there is no manifest.json and no index.json in it; expected what `docker save` writes, or an OCI \
                    image layout"
                .to_owned(),
        );
    }
    let mut images = if has_layout { layout::images(members)? } else { Vec::new() };
    if has_list {
        // Docker writes its own list beside, with every name in it.
        docker::complete(members, &mut images)?;
    }
    if images.is_empty() {
        return Err("there is no image in it".to_owned());
    }
    for image in &mut images {
        image.names.sort();
        image.names.dedup();
    }
    Ok(images)
}

/// How much of a file says how it is compressed.
const HEAD: usize = 6;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Gzip,
    Zstd,
    Other,
}

impl Form {
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', ..] | [b'B', b'Z', b'h', ..] => Self::Other,
            _ => Self::Plain,
        }
    }
}

/// What a stream holds, decompressed, in a temporary file that goes with its handle.
fn copy(mut stream: impl Read) -> io::Result<File> {
    let mut head = Vec::new();
    stream.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(io::Error::other("it is empty; expected what `docker save` writes, or an OCI image layout"));
    }
    let form = Form::of(&head);
    let whole = io::BufReader::new(io::Cursor::new(head).chain(stream));
    let mut copy = tempfile::tempfile()?;
    match form {
        Form::Plain => io::copy(&mut { whole }, &mut copy)?,
        Form::Gzip => io::copy(&mut flate2::read::MultiGzDecoder::new(whole), &mut copy)?,
        Form::Zstd => {
            let mut plain = ruzstd::decoding::StreamingDecoder::new(whole).map_err(io::Error::other)?;
            io::copy(&mut plain, &mut copy)?
        }
        Form::Other => {
            return Err(io::Error::other("it is compressed by xz or bzip2; decompress it first, or use gzip or zstd"));
        }
    };
    copy.rewind()?;
    Ok(copy)
}

/// The name that an archive gives to an image, spelled out; none where it says that there is none.
pub(super) fn name(text: &str) -> Result<Option<String>, String> {
    if text.contains("<none>") {
        return Ok(None);
    }
    ImageName::parse(text).map(|name| Some(name.to_string())).map_err(|error| error.to_string())
}

pub(super) fn text(members: &Members, name: &str) -> Result<Vec<u8>, String> {
    let found = members.read(name, LARGEST_TEXT).map_err(|error| format!("{name}: {error}"))?;
    found.ok_or_else(|| format!("{name} is missing in it"))
}

pub(super) fn json<T: serde::de::DeserializeOwned>(name: &str, text: &[u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| format!("{name}: {error}"))
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
pub(super) fn chains(diff_ids: &[String]) -> Vec<String> {
    let mut chains: Vec<String> = Vec::new();
    for diff_id in diff_ids {
        let chain = chains.last().map(|below| digest(format!("{below} {diff_id}").as_bytes()));
        chains.push(chain.unwrap_or_else(|| diff_id.clone()));
    }
    chains
}
