//! What a node has, and what it is told to do.

use std::{collections::BTreeSet, path::Path};

use kind_engine::{Command, Engine, ExecOutput};
use serde::Deserialize;

use super::{LoadError, archive::ArchivedImage};

/// containerd's namespace of Kubernetes' images.
const CTR: [&str; 3] = ["ctr", "--namespace", "k8s.io"];

/// An image on a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PresentImage {
    /// The digest of its configuration.
    pub(super) id: String,
    /// Its names, spelled out.
    #[serde(default)]
    pub(super) repo_tags: Vec<String>,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    images: Vec<PresentImage>,
}

/// What becomes of one image on one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    /// It is there, with every name.
    Nothing,
    /// It is there by one name and lacks others.
    Names { known: String, lacking: Vec<String> },
    /// It is not there.
    All,
}

impl Need {
    pub(super) fn of(id: &str, tags: &[String], present: &[PresentImage]) -> Self {
        let Some(there) = present.iter().find(|image| image.id == id) else { return Self::All };
        let lacking: Vec<String> = tags.iter().filter(|tag| !there.repo_tags.contains(tag)).cloned().collect();
        match there.repo_tags.first() {
            _ if lacking.is_empty() => Self::Nothing,
            Some(known) => Self::Names { known: known.clone(), lacking },
            None => Self::All,
        }
    }

    pub(super) fn of_archived(image: &ArchivedImage, present: &[PresentImage]) -> Self {
        Self::of(&image.id, &image.tags, present)
    }
}

async fn run(engine: &dyn Engine, node: &str, argv: &[&str]) -> Result<String, LoadError> {
    succeeded(node, engine.exec(node, &Command::new(argv.iter().copied())).await?)
}

fn succeeded(node: &str, output: ExecOutput) -> Result<String, LoadError> {
    output.success().map_err(|source| LoadError::Node { node: node.to_owned(), source })
}

/// Every image of a node.
pub(super) async fn images(engine: &dyn Engine, node: &str) -> Result<Vec<PresentImage>, LoadError> {
    let text = run(engine, node, &["crictl", "images", "--output", "json"]).await?;
    // An answer in another form only costs an import that was not needed.
    Ok(serde_json::from_str::<List>(&text).map_or_else(|_| Vec::new(), |list| list.images))
}

/// Every unpacked file system of a node, by the chain of its layers.
pub(super) async fn chains(engine: &dyn Engine, node: &str) -> Result<BTreeSet<String>, LoadError> {
    let text = run(engine, node, &[&CTR[..], &["snapshots", "list"]].concat()).await?;
    let keys = text.lines().filter_map(|line| line.split_whitespace().next());
    Ok(keys.filter(|key| key.starts_with("sha256:")).map(str::to_owned).collect())
}

/// Gives an image further names.
pub(super) async fn tag(engine: &dyn Engine, node: &str, known: &str, names: &[String]) -> Result<(), LoadError> {
    for name in names {
        run(engine, node, &[&CTR[..], &["images", "tag", "--force", known, name]].concat()).await?;
    }
    Ok(())
}

/// Imports a tar file of this machine.
pub(super) async fn import(engine: &dyn Engine, node: &str, tar: &Path) -> Result<(), LoadError> {
    let argv = [&CTR[..], &["images", "import", "--digests", "-"]].concat();
    succeeded(node, engine.exec_with_file(node, &Command::new(argv), tar).await?)?;
    Ok(())
}
