//! Docker's own form of archives: `manifest.json`, as `docker save` has written it from the beginning, and other tools too.

use std::io::{self, Read as _};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{
    archive::{ArchivedImage, Configuration, Form, Layer, chains, digest, json, name, text},
    members::{Member, Members},
};

const LIST: &str = "manifest.json";

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "Config")]
    config: String,
    #[serde(rename = "RepoTags")]
    tags: Option<Vec<String>>,
    #[serde(rename = "Layers")]
    layers: Option<Vec<String>>,
}

/// Gives the images that are known their names, and adds those that are not known.
pub(super) fn complete(members: &Members, images: &mut Vec<ArchivedImage>) -> Result<(), String> {
    let entries: Option<Vec<Entry>> = json(LIST, &text(members, LIST)?)?;
    for entry in entries.unwrap_or_default() {
        // A list beside a layout may name what the layout leaves out.
        if members.find(&entry.config).is_none() && !images.is_empty() {
            continue;
        }
        let config = text(members, &entry.config)?;
        let id = digest(&config);
        let mut names = Vec::new();
        for tag in entry.tags.unwrap_or_default() {
            names.extend(name(&tag)?);
        }
        if let Some(image) = images.iter_mut().find(|image| image.id == id) {
            image.names.extend(names);
        } else {
            let layers = entry.layers.unwrap_or_default();
            images.push(ArchivedImage { names, ..image(members, &entry.config, config, &layers)? });
        }
    }
    Ok(())
}

fn image(members: &Members, config_name: &str, config: Vec<u8>, files: &[String]) -> Result<ArchivedImage, String> {
    let read: Configuration = json(config_name, &config)?;
    let platform = read.platform();
    let diff_ids = read.diff_ids();
    if diff_ids.len() != files.len() {
        return Err(format!("{config_name} names {} layers, {LIST} {}", diff_ids.len(), files.len()));
    }
    let mut layers = Vec::new();
    for ((diff_id, chain), file) in diff_ids.iter().zip(chains(&diff_ids)).zip(files) {
        let member = members.find(file);
        let (digest, form) = match member.map(|member| form(members, member)).transpose() {
            Ok(found) => found.unwrap_or((None, "tar")),
            Err(error) => return Err(format!("{file}: {error}")),
        };
        layers.push(Layer { digest: digest.unwrap_or_else(|| diff_id.clone()), chain, member, form });
    }
    let id = digest(&config);
    Ok(ArchivedImage { id, names: Vec::new(), platform, config, manifest: None, manifests: Vec::new(), layers })
}

/// How a layer is compressed, which `docker save` does not do and other tools do; and the digest of what is not plain.
fn form(members: &Members, member: Member) -> io::Result<(Option<String>, &'static str)> {
    let mut head = Vec::new();
    members.open(member)?.take(4).read_to_end(&mut head)?;
    let form = match Form::of(&head) {
        Form::Gzip => "tar+gzip",
        Form::Zstd => "tar+zstd",
        Form::Plain | Form::Other => return Ok((None, "tar")),
    };
    let mut sum = Sha256::new();
    io::copy(&mut members.open(member)?, &mut sum)?;
    Ok((Some(format!("sha256:{:x}", sum.finalize())), form))
}
