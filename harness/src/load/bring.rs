//! Brings images into several nodes at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::{Path, PathBuf},
};

use futures::future::try_join_all;
use kind_engine::Engine;

use super::{
    LoadError,
    archive::Archive,
    names::spelled_out,
    node::{self, Need, PresentImage},
    shipment::{Lacking, pack},
};

/// What became of each image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// Each image's name or digest, and the nodes that it was brought to; none where all had it.
    pub images: Vec<(String, Vec<String>)>,
}

/// Brings images of the engine into nodes, which are containers of that engine.
///
/// # Errors
/// When the engine lacks an image (all that it lacks are named), an image is for another platform, or a node refuses.
pub async fn load_images(engine: &dyn Engine, nodes: &[String], references: &[String]) -> Result<Loaded, LoadError> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for reference in references {
        match engine.image(reference).await? {
            Some(facts) => found.push((reference, facts)),
            None => missing.push(reference.clone()),
        }
    }
    if !missing.is_empty() {
        return Err(LoadError::NoImage { images: missing });
    }
    let architecture = engine.facts().await?.architecture;
    for (reference, facts) in &found {
        check_platform(reference, &facts.architecture, &architecture)?;
    }
    let present = present(engine, nodes).await?;
    let mut loaded = Loaded::default();
    let mut lacking = Vec::new();
    for (reference, facts) in &found {
        // A digest is no name to give.
        let tags = if reference.contains('@') { Vec::new() } else { vec![spelled_out(reference)] };
        let needs: Vec<Need> = nodes.iter().map(|node| Need::of(&facts.id, &tags, &present[node])).collect();
        if needs.contains(&Need::All) {
            lacking.push((*reference).clone());
            continue;
        }
        let mut named = Vec::new();
        for (node, need) in nodes.iter().zip(&needs) {
            if let Need::Names { known, lacking } = need {
                node::tag(engine, node, known, lacking).await?;
                named.push(node.clone());
            }
        }
        loaded.images.push(((*reference).clone(), named));
    }
    if !lacking.is_empty() {
        let folder = temporary()?;
        let tar = folder.path().join("images.tar");
        engine.save_images(&lacking, &tar).await?;
        loaded.images.extend(load_archive(engine, nodes, &tar).await?.images);
    }
    Ok(loaded)
}

/// Brings every image of an archive into nodes, which are containers of that engine.
///
/// # Errors
/// When the file is no archive of images, an image is for another platform, or a node refuses.
pub async fn load_archive(engine: &dyn Engine, nodes: &[String], path: &Path) -> Result<Loaded, LoadError> {
    let architecture = engine.facts().await?.architecture;
    let platform = format!("linux/{architecture}");
    let opened = path.to_owned();
    let archive = blocking(move || Archive::open(&opened, &platform)).await?;
    for image in &archive.images {
        let (_, found) = image.platform.split_once('/').unwrap_or_default();
        check_platform(image.tags.first().unwrap_or(&image.id), found, &architecture)?;
    }
    // Test processes that start together bring the same archive: one imports it, the others find it there.
    let _turn = turn(path).await?;
    let present = present(engine, nodes).await?;
    let folder = temporary()?;
    let mut loaded = Loaded::default();
    for image in &archive.images {
        let needing = nodes.iter().filter(|node| Need::of_archived(image, &present[*node]) != Need::Nothing);
        let name = if image.tags.is_empty() { image.id.clone() } else { image.tags.join(", ") };
        loaded.images.push((name, needing.cloned().collect()));
    }
    let wanted = try_join_all(nodes.iter().map(|node| settle_names(engine, node, &archive, &present[node]))).await?;
    let mut shipments: BTreeMap<Lacking, (PathBuf, Vec<&String>)> = BTreeMap::new();
    let mut archive = archive;
    for (node, lacking) in nodes.iter().zip(wanted) {
        let Some(lacking) = lacking else { continue };
        if let Some((_, nodes)) = shipments.get_mut(&lacking) {
            nodes.push(node);
            continue;
        }
        // Nodes that lack the same share one file.
        let (key, at) = (lacking.clone(), folder.path().to_owned());
        let (returned, packed) = blocking(move || {
            let packed = pack(&archive, &lacking, &at);
            Ok((archive, packed))
        })
        .await?;
        archive = returned;
        shipments.insert(key, (packed?, vec![node]));
    }
    let imports = shipments.values().flat_map(|(tar, nodes)| nodes.iter().map(move |node| (tar, *node)));
    try_join_all(imports.map(|(tar, node)| node::import(engine, node, tar))).await?;
    Ok(loaded)
}

/// Gives names to what is there, and says what is not.
async fn settle_names(
    engine: &dyn Engine,
    node: &str,
    archive: &Archive,
    present: &[PresentImage],
) -> Result<Option<Lacking>, LoadError> {
    let mut images = Vec::new();
    for (index, image) in archive.images.iter().enumerate() {
        match Need::of_archived(image, present) {
            Need::Nothing => {}
            Need::Names { known, lacking } => node::tag(engine, node, &known, &lacking).await?,
            Need::All => images.push(index),
        }
    }
    if images.is_empty() {
        return Ok(None);
    }
    let has: BTreeSet<String> = node::chains(engine, node).await?;
    Ok(Some(Lacking::of(archive, images, &has)))
}

async fn present(engine: &dyn Engine, nodes: &[String]) -> Result<BTreeMap<String, Vec<PresentImage>>, LoadError> {
    let present = try_join_all(nodes.iter().map(|node| node::images(engine, node))).await?;
    Ok(nodes.iter().cloned().zip(present).collect())
}

fn check_platform(image: &str, found: &str, expected: &str) -> Result<(), LoadError> {
    if found.is_empty() || found == expected {
        return Ok(());
    }
    Err(LoadError::Platform { image: image.to_owned(), found: found.to_owned(), expected: expected.to_owned() })
}

fn temporary() -> Result<tempfile::TempDir, LoadError> {
    tempfile::tempdir().map_err(|source| LoadError::File {
        action: "make a temporary folder in",
        path: std::env::temp_dir(),
        source,
    })
}

/// Waits until nobody else loads from this archive. The lock ends with the file that is returned.
async fn turn(archive: &Path) -> Result<File, LoadError> {
    let path = archive.to_owned();
    blocking(move || {
        let lock = || {
            let file = File::open(&path)?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|source| LoadError::File { action: "lock", path: path.clone(), source })
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    tokio::task::spawn_blocking(work).await.expect("reading and writing files does not panic")
}
