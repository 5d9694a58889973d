//! Image archives as `docker save` writes them, made from files: one layer per image, and nothing that depends on the
//! time or the machine.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::Path,
};

use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use crate::digest::sha256;

/// A layer in the making: a tar stream whose entries belong to root and have no date.
pub(crate) struct Layer<W: Write> {
    tar: Builder<W>,
    folders: BTreeSet<String>,
}

impl<W: Write> Layer<W> {
    /// An empty layer.
    pub(crate) fn new(writer: W) -> Self {
        Self { tar: Builder::new(writer), folders: BTreeSet::new() }
    }

    /// Adds a file from memory.
    pub(crate) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        self.stream(path, mode, content.len() as u64, content)
    }

    /// Adds a file of this machine.
    pub(crate) fn copy(&mut self, path: &str, mode: u32, source: &Path) -> io::Result<()> {
        let file = File::open(source)?;
        let size = file.metadata()?.len();
        self.stream(path, mode, size, file)
    }

    /// Adds a symbolic link.
    pub(crate) fn link(&mut self, path: &str, target: &str) -> io::Result<()> {
        self.parents(path)?;
        let mut header = header(EntryType::Symlink, 0o777, 0);
        self.tar.append_link(&mut header, relative(path), target)
    }

    /// Adds a folder and those above it.
    pub(crate) fn folder(&mut self, path: &str, mode: u32) -> io::Result<()> {
        self.parents(path)?;
        if self.folders.insert(relative(path).to_owned()) {
            let name = format!("{}/", relative(path));
            self.tar.append_data(&mut header(EntryType::Directory, mode, 0), name, io::empty())?;
        }
        Ok(())
    }

    /// Adds everything of another tar stream, below this layer's root instead of below that stream's first folder.
    pub(crate) fn graft(&mut self, other: impl Read) -> io::Result<()> {
        let mut archive = tar::Archive::new(other);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.components().skip(1).collect::<std::path::PathBuf>().display().to_string();
            match entry.header().entry_type() {
                _ if path.is_empty() => {}
                EntryType::Directory => self.folder(&path, entry.header().mode()?)?,
                EntryType::Symlink => {
                    let target = entry.link_name()?.unwrap_or_default().display().to_string();
                    self.link(&path, &target)?;
                }
                _ => {
                    let (mode, size) = (entry.header().mode()?, entry.size());
                    self.stream(&path, mode, size, &mut entry)?;
                }
            }
        }
        Ok(())
    }

    /// Ends the stream.
    pub(crate) fn finish(self) -> io::Result<W> {
        self.tar.into_inner()
    }

    fn stream(&mut self, path: &str, mode: u32, size: u64, content: impl Read) -> io::Result<()> {
        self.parents(path)?;
        self.tar.append_data(&mut header(EntryType::Regular, mode, size), relative(path), content)
    }

    fn parents(&mut self, path: &str) -> io::Result<()> {
        match relative(path).rsplit_once('/') {
            Some((parent, _)) => self.folder(parent, 0o755),
            None => Ok(()),
        }
    }
}

fn relative(path: &str) -> &str {
    path.trim_matches('/')
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// An archive in the making.
pub(crate) struct ImageArchive {
    tar: Builder<BufWriter<File>>,
    manifest: Vec<Value>,
}

impl ImageArchive {
    /// Begins an archive in a new file.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { tar: Builder::new(BufWriter::new(File::create(path)?)), manifest: Vec::new() })
    }

    /// Adds an image of one layer. `config` is what its containers start with.
    pub(crate) fn add(&mut self, name: &str, config: &Value, layer: &[u8]) -> io::Result<()> {
        let layer = self.layer(layer)?;
        self.add_of(name, config, &[&layer])
    }

    /// Adds a layer for several images, and returns its digest.
    pub(crate) fn layer(&mut self, layer: &[u8]) -> io::Result<String> {
        let diff = sha256(layer);
        self.entry(&layer_path(&diff), layer)?;
        Ok(diff)
    }

    /// Adds an image of layers that are there, lowest first.
    pub(crate) fn add_of(&mut self, name: &str, config: &Value, layers: &[&String]) -> io::Result<()> {
        let diffs: Vec<String> = layers.iter().map(|diff| format!("sha256:{diff}")).collect();
        let history: Vec<Value> =
            layers.iter().map(|_| json!({ "created": "1970-01-01T00:00:00Z", "created_by": "kind-rs" })).collect();
        let text = json!({
            "architecture": go_architecture(),
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": config,
            "rootfs": { "type": "layers", "diff_ids": diffs },
            "history": history,
        })
        .to_string();
        let config_path = format!("{}.json", sha256(text.as_bytes()));
        self.entry(&config_path, text.as_bytes())?;
        let paths: Vec<String> = layers.iter().map(|diff| layer_path(diff)).collect();
        self.manifest.push(json!({ "Config": config_path, "RepoTags": [name], "Layers": paths }));
        Ok(())
    }

    /// Writes the list of images and closes the file.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let manifest = Value::Array(std::mem::take(&mut self.manifest)).to_string();
        self.entry("manifest.json", manifest.as_bytes())?;
        self.tar.into_inner()?.flush()
    }

    fn entry(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        self.tar.append_data(&mut header(EntryType::Regular, 0o644, content.len() as u64), path, content)
    }
}

fn layer_path(digest: &str) -> String {
    format!("{digest}/layer.tar")
}

/// This machine's architecture in Go's and Docker's words.
pub(crate) fn go_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(tar: &[u8]) -> Vec<String> {
        let mut archive = tar::Archive::new(tar);
        archive.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
    }

    #[test]
    fn folders_come_before_files_and_only_once() {
        let mut layer = Layer::new(Vec::new());
        layer.file("/usr/bin/a", 0o755, b"a").unwrap();
        layer.link("/usr/bin/b", "a").unwrap();
        assert_eq!(paths(&layer.finish().unwrap()), ["usr/", "usr/bin/", "usr/bin/a", "usr/bin/b"]);
    }

    #[test]
    fn grafting_drops_the_first_folder() {
        let mut inner = Layer::new(Vec::new());
        inner.file("top/lib/x.so", 0o644, b"x").unwrap();
        let inner = inner.finish().unwrap();
        let mut layer = Layer::new(Vec::new());
        layer.graft(inner.as_slice()).unwrap();
        assert_eq!(paths(&layer.finish().unwrap()), ["lib/", "lib/x.so"]);
    }

    #[test]
    fn the_same_files_make_the_same_archive() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = folder.path().join(name);
            let mut archive = ImageArchive::create(&path).unwrap();
            let mut layer = Layer::new(Vec::new());
            layer.file("/pause", 0o755, b"program").unwrap();
            archive.add("example/pause:1", &json!({ "Entrypoint": ["/pause"] }), &layer.finish().unwrap()).unwrap();
            archive.finish().unwrap();
            std::fs::read(path).unwrap()
        };
        assert_eq!(make("one"), make("other"));
        assert_eq!(paths(&make("one")).last().unwrap(), "manifest.json");
    }

    /// What the numbers in all tags stand for. Where this fails, raise those of the payload, the node and the conformance image
    /// and write the new digest here.
    #[test]
    fn the_numbers_in_tags_are_those_of_this_form_of_layers() {
        let mut layer = Layer::new(Vec::new());
        layer.file("/a/b", 0o644, b"content").unwrap();
        layer.folder("/c", 0o1777).unwrap();
        layer.link("/a/d", "b").unwrap();
        assert_eq!(sha256(&layer.finish().unwrap())[..12], *"b091bfe8a5e9");
    }
}
