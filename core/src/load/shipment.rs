//! A tar file for one kind of node: the images as an OCI layout, without the layers that such a node has.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    LoadError,
    archive::{Archive, ArchivedImage, Platform, blob, digest},
};

/// Which images of an archive a node lacks, and which of their layers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lacking {
    /// Positions in the archive's list.
    pub(super) images: Vec<usize>,
    /// Digests of layers.
    pub(super) layers: BTreeSet<String>,
}

impl Lacking {
    /// What of these images a node with these file systems lacks.
    pub(super) fn of(archive: &Archive, images: Vec<usize>, has: &BTreeSet<String>) -> Self {
        let mut layers = BTreeSet::new();
        for image in &images {
            let all = &archive.images[*image].layers;
            let present = all.iter().rposition(|layer| has.contains(&layer.chain)).map_or(0, |position| position + 1);
            layers.extend(all[present..].iter().map(|layer| layer.digest.clone()));
        }
        Self { images, layers }
    }
}

/// Writes what is lacking as a tar file into `folder`.
pub(super) fn pack(archive: &Archive, lacking: &Lacking, folder: &Path) -> Result<PathBuf, LoadError> {
    let path = folder.join(format!("{}.tar", digest(format!("{lacking:?}").as_bytes()).replace(':', "-")));
    let missing = |problem: String| LoadError::Archive { path: archive.path.clone(), problem };
    let mut written = BTreeSet::new();
    let mut entries: Vec<(String, Content)> =
        vec![("oci-layout".to_owned(), Content::Text(br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()))];
    let mut descriptors = Vec::new();
    for image in lacking.images.iter().map(|index| &archive.images[*index]) {
        let (media_type, manifest) = image.manifest.clone().unwrap_or_else(|| manifest_of(image));
        descriptors.extend(descriptors_of(image, &media_type, &manifest));
        for text in [image.config.clone(), manifest] {
            let name = blob(&digest(&text)).map_err(missing)?;
            if written.insert(name.clone()) {
                entries.push((name, Content::Text(text)));
            }
        }
        for layer in image.layers.iter().filter(|layer| lacking.layers.contains(&layer.digest)) {
            let name = blob(&layer.digest).map_err(missing)?;
            let member = layer.member.ok_or_else(|| missing(format!("layer {} is not in it", layer.digest)))?;
            if written.insert(name.clone()) {
                let stream = archive.members.open(member).map_err(|error| missing(error.to_string()))?;
                entries.push((name, Content::Layer(stream)));
            }
        }
    }
    let index = json!({"schemaVersion": 2, "manifests": descriptors}).to_string();
    entries.insert(1, ("index.json".to_owned(), Content::Text(index.into_bytes())));
    write(&path, entries).map_err(|source| LoadError::File { action: "write", path: path.clone(), source })?;
    Ok(path)
}

enum Content {
    Text(Vec<u8>),
    Layer(io::Take<File>),
}

fn write(path: &Path, entries: Vec<(String, Content)>) -> io::Result<()> {
    let mut tar = tar::Builder::new(io::BufWriter::new(File::create(path)?));
    for (name, content) in entries {
        let mut append = |size: u64, content: &mut dyn Read| {
            let mut header = tar::Header::new_gnu();
            header.set_size(size);
            header.set_mode(0o644);
            tar.append_data(&mut header, &name, content)
        };
        match content {
            Content::Text(text) => append(text.len() as u64, &mut text.as_slice())?,
            Content::Layer(mut stream) => append(stream.limit(), &mut stream)?,
        }
    }
    tar.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(())
}

/// A manifest for an image of an archive that has none.
fn manifest_of(image: &ArchivedImage) -> (String, Vec<u8>) {
    const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    let layer = |layer: &super::archive::Layer| {
        let size = layer.member.map_or(0, |member| member.size);
        let media_type = format!("application/vnd.oci.image.layer.v1.{}", layer.form);
        json!({"mediaType": media_type, "digest": layer.digest, "size": size})
    };
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": image.id,
            "size": image.config.len(),
        },
        "layers": image.layers.iter().map(layer).collect::<Vec<_>>(),
    });
    (MANIFEST.to_owned(), manifest.to_string().into_bytes())
}

/// One for each name.
fn descriptors_of(image: &ArchivedImage, media_type: &str, manifest: &[u8]) -> Vec<Value> {
    let mut plain = json!({"mediaType": media_type, "digest": digest(manifest), "size": manifest.len()});
    let Platform { os, architecture } = &image.platform;
    if !architecture.is_empty() {
        plain["platform"] = json!({"os": if os.is_empty() { "linux" } else { os }, "architecture": architecture});
    }
    let named = |name: &String| {
        let mut descriptor = plain.clone();
        descriptor["annotations"] = json!({"io.containerd.image.name": name});
        descriptor
    };
    image.names.iter().map(named).collect()
}
