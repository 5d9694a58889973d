//! Writes images of one shared layer in the format of `docker save`, the same bytes for the same content.

use std::{collections::BTreeMap, io::Write};

use anyhow::Context as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// An image: how to start what is in the layer.
pub(super) struct Image {
    /// Name and tag.
    pub(super) reference: String,
    /// The program and its first arguments.
    pub(super) entrypoint: Vec<String>,
    /// `NAME=value`.
    pub(super) environment: Vec<String>,
    /// `user:group`, in numbers: there is no `/etc/passwd`.
    pub(super) user: String,
}

/// A root file system. Ordered, so that its tar file does not depend on who added what first.
#[derive(Default)]
pub(super) struct Layer {
    entries: BTreeMap<String, Entry>,
}

enum Entry {
    Folder { mode: u32 },
    File { content: Vec<u8> },
}

impl Layer {
    /// Adds a file that everybody may read and run.
    pub(super) fn add_program(&mut self, path: &str, content: Vec<u8>) {
        self.insert(path, Entry::File { content });
    }

    /// Adds an empty folder.
    pub(super) fn add_folder(&mut self, path: &str, mode: u32) {
        self.insert(path, Entry::Folder { mode });
    }

    fn insert(&mut self, path: &str, entry: Entry) {
        let path = path.trim_start_matches('/');
        for (index, _) in path.match_indices('/') {
            self.entries.entry(path[..index].to_owned()).or_insert(Entry::Folder { mode: 0o755 });
        }
        self.entries.insert(path.to_owned(), entry);
    }

    fn into_tar(self) -> std::io::Result<Vec<u8>> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, entry) in self.entries {
            match entry {
                Entry::Folder { mode } => {
                    append(&mut tar, tar::EntryType::Directory, &format!("{path}/"), mode, &[])?;
                }
                Entry::File { content } => append(&mut tar, tar::EntryType::Regular, &path, 0o755, &content)?,
            }
        }
        tar.into_inner()
    }
}

/// Writes the images, which all consist of this one layer.
pub(super) fn write(output: impl Write, layer: Layer, images: &[Image]) -> anyhow::Result<()> {
    let layer = layer.into_tar().context("pack the layer")?;
    let layer_digest = digest(&layer);
    let layer_name = format!("{layer_digest}.tar");
    let mut manifest = Vec::new();
    let mut configurations = BTreeMap::new();
    for image in images {
        let configuration = serde_json::to_vec(&configuration(image, &layer_digest))?;
        let name = format!("{}.json", digest(&configuration));
        manifest.push(json!({ "Config": name, "RepoTags": [image.reference], "Layers": [layer_name] }));
        configurations.insert(name, configuration);
    }
    let mut tar = tar::Builder::new(output);
    append(&mut tar, tar::EntryType::Regular, &layer_name, 0o644, &layer)?;
    for (name, configuration) in configurations {
        append(&mut tar, tar::EntryType::Regular, &name, 0o644, &configuration)?;
    }
    append(&mut tar, tar::EntryType::Regular, "manifest.json", 0o644, &serde_json::to_vec(&manifest)?)?;
    tar.into_inner().and_then(|mut output| output.flush()).context("finish the archive")
}

fn configuration(image: &Image, layer_digest: &str) -> Value {
    // A fixed time: the archive must not depend on when it was made.
    const CREATED: &str = "1970-01-01T00:00:00Z";
    json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "created": CREATED,
        "config": { "Entrypoint": image.entrypoint, "Env": image.environment, "User": image.user, "WorkingDir": "/" },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer_digest}")] },
        "history": [{ "created": CREATED, "created_by": "kind-examples" }],
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
) -> std::io::Result<()> {
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
    use std::io::Read as _;

    use super::*;

    fn image(version: &str) -> Image {
        Image {
            reference: format!("example/it:{version}"),
            entrypoint: vec!["/usr/bin/it".into()],
            environment: vec![format!("VERSION={version}")],
            user: "1:1".into(),
        }
    }

    fn archive_of(paths: &[&str]) -> Vec<u8> {
        let mut layer = Layer::default();
        for path in paths {
            layer.add_program(path, b"program".to_vec());
        }
        let mut bytes = Vec::new();
        write(&mut bytes, layer, &[image("v1"), image("v2")]).unwrap();
        bytes
    }

    fn files(tar: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(tar);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().display().to_string(), content)
        });
        entries.collect()
    }

    #[test]
    fn the_order_of_adding_does_not_matter() {
        assert_eq!(archive_of(&["/usr/bin/it", "/lib/its"]), archive_of(&["/lib/its", "/usr/bin/it"]));
    }

    #[test]
    fn every_name_in_the_manifest_is_in_the_archive_and_is_its_digest() {
        let files = files(&archive_of(&["/usr/bin/it"]));
        let manifest: Vec<Value> = serde_json::from_slice(&files["manifest.json"]).unwrap();
        let tags: Vec<&str> = manifest.iter().map(|image| image["RepoTags"][0].as_str().unwrap()).collect();
        assert_eq!(tags, ["example/it:v1", "example/it:v2"]);
        for image in &manifest {
            for name in [&image["Config"], &image["Layers"][0]] {
                let name = name.as_str().unwrap();
                assert_eq!(digest(&files[name]), name.split('.').next().unwrap());
            }
        }
        assert_eq!(files.len(), 4, "one layer, two configurations, one manifest: {:?}", files.keys());
    }

    #[test]
    fn a_layer_has_the_parents_of_its_files_before_them() {
        let mut layer = Layer::default();
        layer.add_program("/usr/bin/it", Vec::new());
        layer.add_folder("/data", 0o777);
        let names: Vec<String> = files(&layer.into_tar().unwrap()).into_keys().collect();
        assert_eq!(names, ["data/", "usr/", "usr/bin/", "usr/bin/it"]);
    }
}
