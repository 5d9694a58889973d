//! Writes an image of one layer in the format of `docker save`, the same bytes for the same content.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _, Write},
    path::Path,
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The longest list of images that is read.
const LARGEST_LIST: u64 = 1 << 20;
/// How many hexadecimal digits of its digest an image's tag has.
const DIGITS: usize = 16;

/// How to start what is in the layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) architecture: String,
    /// The program.
    pub(super) entrypoint: String,
    pub(super) arguments: Vec<String>,
    /// `NAME=value`.
    pub(super) environment: Vec<String>,
    /// `user:group`, in numbers.
    pub(super) user: String,
}

/// A root file system. Ordered, so that its tar file does not depend on who added what first.
#[derive(Debug, Default)]
pub(super) struct Layer(BTreeMap<String, Entry>);

#[derive(Debug)]
enum Entry {
    Folder { mode: u32 },
    File { mode: u32, content: Vec<u8> },
}

impl Layer {
    pub(super) fn add_file(&mut self, path: &str, mode: u32, content: Vec<u8>) {
        self.insert(path, Entry::File { mode, content });
    }

    /// Adds an empty folder.
    pub(super) fn add_folder(&mut self, path: &str, mode: u32) {
        self.insert(path, Entry::Folder { mode });
    }

    fn insert(&mut self, path: &str, entry: Entry) {
        let path = path.trim_start_matches('/');
        for (index, _) in path.match_indices('/') {
            self.0.entry(path[..index].to_owned()).or_insert(Entry::Folder { mode: 0o755 });
        }
        self.0.insert(path.to_owned(), entry);
    }

    fn into_tar(self) -> io::Result<Vec<u8>> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, entry) in self.0 {
            match entry {
                Entry::Folder { mode } => {
                    append(&mut tar, tar::EntryType::Directory, &format!("{path}/"), mode, &[])?;
                }
                Entry::File { mode, content } => append(&mut tar, tar::EntryType::Regular, &path, mode, &content)?,
            }
        }
        tar.into_inner()
    }
}

/// Writes the image under this name, with a tag, or with a digest of what is in it as its tag.
pub(super) fn write(
    output: impl Write,
    layer: Layer,
    start: &Start,
    (name, tag): (&str, Option<&str>),
) -> io::Result<()> {
    let layer = layer.into_tar()?;
    let layer_digest = digest(&layer);
    let configuration = configuration(start, &layer_digest).to_string().into_bytes();
    let image_digest = digest(&configuration);
    let tag = tag.unwrap_or(&image_digest[..DIGITS]);
    let (layer_file, configuration_file) = (format!("{layer_digest}.tar"), format!("{image_digest}.json"));
    let manifest =
        json!([{ "Config": configuration_file, "RepoTags": [format!("{name}:{tag}")], "Layers": [layer_file] }]);
    let mut tar = tar::Builder::new(output);
    // First, so that its name is found without a look at the layer.
    append(&mut tar, tar::EntryType::Regular, MANIFEST, 0o644, manifest.to_string().as_bytes())?;
    append(&mut tar, tar::EntryType::Regular, &configuration_file, 0o644, &configuration)?;
    append(&mut tar, tar::EntryType::Regular, &layer_file, 0o644, &layer)?;
    tar.into_inner()?.flush()
}

const MANIFEST: &str = "manifest.json";

/// The reference of the image in an archive that [`write()`] wrote.
pub(super) fn reference(archive: &Path) -> io::Result<String> {
    let mut tar = tar::Archive::new(File::open(archive)?);
    let first = tar.entries()?.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    let mut text = Vec::new();
    first.take(LARGEST_LIST).read_to_end(&mut text)?;
    let manifest: Value = serde_json::from_slice(&text)?;
    let reference = manifest.pointer("/0/RepoTags/0").and_then(Value::as_str);
    reference.map(str::to_owned).ok_or_else(|| io::Error::other("there is no image in it"))
}

fn configuration(start: &Start, layer_digest: &str) -> Value {
    // A fixed time: the archive must not depend on when it was made.
    const CREATED: &str = "1970-01-01T00:00:00Z";
    json!({
        "architecture": start.architecture,
        "os": "linux",
        "created": CREATED,
        "config": {
            "Entrypoint": [start.entrypoint],
            "Cmd": start.arguments,
            "Env": start.environment,
            "User": start.user,
            "WorkingDir": "/",
        },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer_digest}")] },
        "history": [{ "created": CREATED, "created_by": "kind-harness" }],
    })
}

fn digest(content: &[u8]) -> String {
    format!("{:x}", Sha256::digest(content))
}

fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    kind: tar::EntryType,
    path: &str,
    mode: u32,
    content: &[u8],
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, path, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(version: &str) -> Start {
        Start {
            architecture: "amd64".to_owned(),
            entrypoint: "/usr/bin/it".to_owned(),
            arguments: vec!["serve".to_owned()],
            environment: vec![format!("VERSION={version}")],
            user: "1:1".to_owned(),
        }
    }

    fn archive_of(paths: &[&str], version: &str, tag: Option<&str>) -> Vec<u8> {
        let mut layer = Layer::default();
        for path in paths {
            layer.add_file(path, 0o755, b"program".to_vec());
        }
        let mut bytes = Vec::new();
        write(&mut bytes, layer, &start(version), ("example/it", tag)).unwrap();
        bytes
    }

    fn files(tar: &[u8]) -> BTreeMap<String, (u32, Vec<u8>)> {
        let mut archive = tar::Archive::new(tar);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().display().to_string(), (entry.header().mode().unwrap(), content))
        });
        entries.collect()
    }

    fn reference_of(archive: &[u8]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), archive).unwrap();
        reference(file.path()).unwrap()
    }

    #[test]
    fn the_order_of_adding_does_not_matter() {
        let paths = ["/usr/bin/it", "/lib/its"];
        assert_eq!(archive_of(&paths, "v1", None), archive_of(&[paths[1], paths[0]], "v1", None));
    }

    #[test]
    fn another_content_and_another_start_are_another_reference() {
        let all = [
            archive_of(&["/usr/bin/it"], "v1", None),
            archive_of(&["/usr/bin/it"], "v2", None),
            archive_of(&["/usr/bin/it", "/lib/its"], "v1", None),
        ];
        let references: std::collections::BTreeSet<String> = all.iter().map(|archive| reference_of(archive)).collect();
        assert_eq!(references.len(), 3);
        for reference in references {
            let tag = reference.strip_prefix("example/it:").unwrap();
            assert!(tag.len() == DIGITS && tag.bytes().all(|byte| byte.is_ascii_hexdigit()), "{tag}");
        }
        assert_eq!(reference_of(&archive_of(&["/usr/bin/it"], "v1", Some("v1"))), "example/it:v1");
    }

    #[test]
    fn every_name_in_the_manifest_is_in_the_archive_and_is_its_digest() {
        let files = files(&archive_of(&["/usr/bin/it"], "v1", None));
        let manifest: Value = serde_json::from_slice(&files[MANIFEST].1).unwrap();
        for name in [&manifest[0]["Config"], &manifest[0]["Layers"][0]] {
            let name = name.as_str().unwrap();
            assert_eq!(digest(&files[name].1), name.split('.').next().unwrap());
        }
        assert_eq!(files.len(), 3, "{:?}", files.keys());
    }

    #[test]
    fn a_layer_has_the_parents_of_its_files_before_them() {
        let mut layer = Layer::default();
        layer.add_file("/usr/bin/it", 0o755, Vec::new());
        layer.add_file("/etc/it.toml", 0o644, Vec::new());
        layer.add_folder("/data", 0o777);
        let files = files(&layer.into_tar().unwrap());
        let modes: Vec<(&str, u32)> = files.iter().map(|(name, (mode, _))| (name.as_str(), *mode)).collect();
        let folders = [("data/", 0o777), ("etc/", 0o755)];
        assert_eq!(modes[..2], folders);
        assert_eq!(modes[2..], [("etc/it.toml", 0o644), ("usr/", 0o755), ("usr/bin/", 0o755), ("usr/bin/it", 0o755)]);
    }
}
