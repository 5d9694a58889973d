//! Brings images into several nodes at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use futures::future::try_join_all;
use kind_engine::{Engine, ImageFacts};

use super::{
    LoadError,
    archive::{Archive, ArchivedImage},
    names::names_of,
    node::{self, Need, Present},
    shipment::{Lacking, pack},
};

/// What became of each image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// Each image that pods can use now.
    pub images: Vec<LoadedImage>,
    /// The digests of images that an archive has without a name; they were left out.
    pub nameless: Vec<String>,
}

/// An image that pods can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedImage {
    /// What was asked for; the names where that was an archive.
    pub image: String,
    /// Its names on nodes, spelled out.
    pub names: Vec<String>,
    /// The nodes that something was brought to; none where all had it.
    pub nodes: Vec<String>,
}

/// An image of the engine that is to be brought.
struct Wanted {
    reference: String,
    facts: ImageFacts,
    names: Vec<String>,
}

/// What the engine knows of all of these images.
async fn find(engine: &dyn Engine, references: &[String]) -> Result<Vec<Wanted>, LoadError> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for reference in references {
        match engine.image(reference).await? {
            Some(facts) => {
                let names = names_of(reference, &facts)?;
                found.push(Wanted { reference: reference.clone(), facts, names });
            }
            None => missing.push(reference.clone()),
        }
    }
    if missing.is_empty() { Ok(found) } else { Err(LoadError::NoImage { images: missing }) }
}

/// Whether the engine has all of these images, and pods could ask for them.
pub(crate) async fn check(engine: &dyn Engine, references: &[String]) -> Result<(), LoadError> {
    find(engine, references).await.map(drop)
}

/// Brings images of the engine into nodes, which are containers of that engine. A tag, a digest or an ID names an image;
/// with an ID, nodes get all names that the engine has for it.
///
/// # Errors
/// When the engine lacks an image (all that it lacks are named), an image has no name or is for another platform, or a
/// node refuses.
pub async fn load_images(engine: &dyn Engine, nodes: &[String], references: &[String]) -> Result<Loaded, LoadError> {
    let found = find(engine, references).await?;
    let present = present(engine, nodes).await?;
    let mut loaded = Loaded::default();
    let mut lacking = Vec::new();
    for wanted in found {
        let mut needs: Vec<Need> = present.iter().map(|there| there.need(&wanted.facts.id, &wanted.names)).collect();
        let mut id = Some(wanted.facts.id.as_str());
        if needs.contains(&Need::All) {
            // With containerd's image store the engine's ID is that of a manifest.
            let manifests = engine.manifests(&wanted.facts).await?;
            needs = present.iter().map(|there| there.need_by_manifest(&manifests, &wanted.names)).collect();
            id = None;
        }
        if needs.contains(&Need::All) {
            lacking.push(wanted);
            continue;
        }
        let mut named = Vec::new();
        for (node, need) in nodes.iter().zip(&needs) {
            if let Need::Names { known, lacking } = need {
                node::tag(engine, node, known, lacking).await?;
                node::usable(engine, node, id, lacking).await?;
                named.push(node.clone());
            }
        }
        loaded.images.push(LoadedImage { image: wanted.reference, names: wanted.names, nodes: named });
    }
    if !lacking.is_empty() {
        loaded.images.extend(save_and_bring(engine, nodes, lacking).await?);
    }
    Ok(loaded)
}

/// By way of an archive.
async fn save_and_bring(
    engine: &dyn Engine,
    nodes: &[String],
    wanted: Vec<Wanted>,
) -> Result<Vec<LoadedImage>, LoadError> {
    let architecture = engine.facts().await?.architecture;
    for Wanted { reference, facts, .. } in &wanted {
        if ![String::new(), architecture.clone()].contains(&facts.architecture) {
            let (image, found) = (reference.clone(), facts.architecture.clone());
            return Err(LoadError::Platform { image, found, expected: architecture });
        }
    }
    let folder = temporary()?;
    let tar = folder.path().join("images.tar");
    let references: Vec<String> = wanted.iter().map(|wanted| wanted.reference.clone()).collect();
    engine.save_images(&references, &tar).await?;
    let mut archive = blocking(move || Archive::open(&tar)).await?;
    archive.choose(&architecture);
    let saved = std::mem::take(&mut archive.images);
    for Wanted { reference, facts, names } in &wanted {
        let is_it = |image: &&ArchivedImage| {
            image.id == facts.id
                || image.manifests.contains(&facts.id)
                || image.names.iter().any(|name| names.contains(name))
        };
        let image = saved.iter().find(is_it).or(saved.first().filter(|_| saved.len() == 1));
        let image = image.ok_or_else(|| LoadError::Archive {
            path: archive.path.clone(),
            problem: format!("the engine saved {reference} without saying which image that is; load it alone"),
        })?;
        match archive.images.iter_mut().find(|known| known.id == image.id) {
            Some(known) => known.names.extend_from_slice(names),
            None => archive.images.push(ArchivedImage { names: names.clone(), ..image.clone() }),
        }
    }
    let brought = bring(engine, nodes, archive, None).await?;
    let one = |Wanted { reference, names, .. }: Wanted| {
        let brought = brought.iter().find(|brought| names.iter().all(|name| brought.names.contains(name)));
        let nodes = brought.map(|brought| brought.nodes.clone()).unwrap_or_default();
        LoadedImage { image: reference, names, nodes }
    };
    Ok(wanted.into_iter().map(one).collect())
}

/// Brings every image of an archive into nodes, which are containers of that engine. The file may be a pipe.
///
/// # Errors
/// When the file is no archive of images, no image in it has a name, one is for another platform, or a node refuses.
pub async fn load_archive(engine: &dyn Engine, nodes: &[String], path: &Path) -> Result<Loaded, LoadError> {
    let opened = path.to_owned();
    let archive = blocking(move || Archive::open(&opened)).await?;
    // Test processes that start together bring the same archive: one imports it, the others find it there.
    load(engine, nodes, archive, path.is_file().then_some(path)).await
}

/// As [`load_archive`], from a stream. `name` is for errors.
///
/// # Errors
/// As those of [`load_archive`].
pub async fn load_stream(
    engine: &dyn Engine,
    nodes: &[String],
    stream: impl Read + Send + 'static,
    name: &Path,
) -> Result<Loaded, LoadError> {
    let name = name.to_owned();
    let archive = blocking(move || Archive::read(stream, &name)).await?;
    load(engine, nodes, archive, None).await
}

async fn load(
    engine: &dyn Engine,
    nodes: &[String],
    mut archive: Archive,
    shared: Option<&Path>,
) -> Result<Loaded, LoadError> {
    if !archive.is_for_one_platform() {
        archive.choose(&engine.facts().await?.architecture);
    }
    let (named, nameless): (Vec<_>, Vec<_>) = archive.images.drain(..).partition(|image| !image.names.is_empty());
    if named.is_empty() {
        return Err(LoadError::NamelessArchive { path: archive.path });
    }
    archive.images = named;
    let nameless = nameless.into_iter().map(|image| image.id).collect();
    Ok(Loaded { images: bring(engine, nodes, archive, shared).await?, nameless })
}

/// Brings the images of an archive, which all have names. `shared` is a file that others may bring at the same time.
async fn bring(
    engine: &dyn Engine,
    nodes: &[String],
    mut archive: Archive,
    shared: Option<&Path>,
) -> Result<Vec<LoadedImage>, LoadError> {
    let mut present = self::present(engine, nodes).await?;
    let mut loaded = outcome(&archive, nodes, &present);
    if loaded.iter().all(|image| image.nodes.is_empty()) {
        return Ok(loaded);
    }
    let architecture = engine.facts().await?.architecture;
    if let Some(other) = archive.images.iter().find(|image| !image.platform.runs_on(&architecture)) {
        let (image, found) = (other.label(), other.platform.words());
        return Err(LoadError::Platform { image, found, expected: architecture });
    }
    let _turn = match shared {
        Some(path) => {
            let turn = turn(path).await;
            present = self::present(engine, nodes).await?;
            loaded = outcome(&archive, nodes, &present);
            turn
        }
        None => None,
    };
    let folder = temporary()?;
    let settling = nodes.iter().zip(&present).map(|(node, there)| settle_names(engine, node, &archive, there));
    let wanted = try_join_all(settling).await?;
    let mut shipments: BTreeMap<Lacking, (PathBuf, Vec<&String>)> = BTreeMap::new();
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
    let changed = archive.images.iter().zip(&loaded).flat_map(|(image, loaded)| {
        loaded.nodes.iter().map(move |node| node::usable(engine, node, Some(image.id.as_str()), &image.names))
    });
    try_join_all(changed).await?;
    Ok(loaded)
}

/// What has to be brought where.
fn outcome(archive: &Archive, nodes: &[String], present: &[Present]) -> Vec<LoadedImage> {
    let one = |image: &ArchivedImage| {
        let needs = |there: &Present| there.need(&image.id, &image.names) != Need::Nothing;
        let needing = nodes.iter().zip(present).filter(|(_, there)| needs(there)).map(|(node, _)| node.clone());
        LoadedImage { image: image.label(), names: image.names.clone(), nodes: needing.collect() }
    };
    archive.images.iter().map(one).collect()
}

/// Gives names to what is there, and says what is not.
async fn settle_names(
    engine: &dyn Engine,
    node: &str,
    archive: &Archive,
    present: &Present,
) -> Result<Option<Lacking>, LoadError> {
    let mut images = Vec::new();
    for (index, image) in archive.images.iter().enumerate() {
        match present.need(&image.id, &image.names) {
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

/// What each node has, in the order of the nodes.
async fn present(engine: &dyn Engine, nodes: &[String]) -> Result<Vec<Present>, LoadError> {
    try_join_all(nodes.iter().map(|node| node::images(engine, node))).await
}

fn temporary() -> Result<tempfile::TempDir, LoadError> {
    tempfile::tempdir().map_err(|source| LoadError::File {
        action: "make a temporary folder in",
        path: std::env::temp_dir(),
        source,
    })
}

/// Waits until nobody else loads from this archive. The lock ends with the file that is returned. Without a lock, which a
/// file system may not have, the same is done twice.
async fn turn(archive: &Path) -> Option<File> {
    let path = archive.to_owned();
    let lock = tokio::task::spawn_blocking(move || {
        let file = File::open(&path)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    });
    match lock.await.expect("locking a file does not panic") {
        Ok(file) => Some(file),
        Err(error) => {
            tracing::debug!(archive = %archive.display(), "load without a lock: {error}");
            None
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    tokio::task::spawn_blocking(work).await.expect("reading and writing files does not panic")
}
