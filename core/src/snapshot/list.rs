//! Which snapshots the engine has, and what a clone takes over from one.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use kind_engine::{ContainerSpec, Engine, EngineError, ImageFacts, Labels};
use serde::Serialize;

use super::SnapshotError;
use crate::{
    provision::{MADE_PATH, Made, Origin},
    spec::{ClusterName, Instance, NodeName, instance_labels},
};

/// The snapshot's name.
pub(super) const LABEL_SNAPSHOT: &str = "io.kind-rs.snapshot";
/// Which making of it: images of one name may be of two.
const LABEL_ID: &str = "io.kind-rs.snapshot.id";
const LABEL_NODE: &str = "io.kind-rs.snapshot.node";
const LABEL_NODES: &str = "io.kind-rs.snapshot.nodes";
const LABEL_VERSION: &str = "io.kind-rs.snapshot.kubernetes-version";
const LABEL_CREATED: &str = "io.kind-rs.snapshot.created";
/// What is in it beyond a new cluster, in a word that changes with it.
const LABEL_CONTENTS: &str = "io.kind-rs.snapshot.contents";
const LABEL_EXPIRES: &str = "io.kind-rs.snapshot.expires";
/// What its images are called, with the name and the making behind it.
const REPOSITORY: &str = "kind-rs/snapshot";
const DAY: i64 = 86_400;

/// A snapshot on the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// Its name.
    pub name: ClusterName,
    /// Which making of it.
    pub id: Instance,
    /// The Kubernetes version.
    pub kubernetes_version: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// When the first of its certificates expires, in seconds since 1970.
    pub expires: i64,
    /// How many nodes it has.
    pub nodes: usize,
    /// A digest of what is in it, where it is the template of fresh clusters.
    pub contents: Option<String>,
    /// Each node's image, by the node's name.
    pub images: BTreeMap<String, String>,
}

/// What the images of a snapshot say of it.
pub(super) struct Marks {
    pub(super) id: Instance,
    name: ClusterName,
    contents: Option<String>,
    nodes: usize,
    version: String,
    created: i64,
    expires: i64,
}

impl Marks {
    pub(super) fn new(name: &ClusterName, contents: Option<&str>, made: &Made, version: &str, nodes: usize) -> Self {
        let (version, expires, contents) = (version.to_owned(), made.expires, contents.map(str::to_owned));
        Self { id: Instance::new(), name: name.clone(), contents, nodes, version, created: now(), expires }
    }

    /// What the image of a node is called.
    pub(super) fn image(&self, node: &str) -> String {
        format!("{REPOSITORY}:{}-{node}", self.id)
    }

    /// The labels of a node's image, as Dockerfile instructions; without a node those of an image that it is made from.
    pub(super) fn labels(&self, node: Option<&str>) -> Vec<String> {
        let labels = [
            (LABEL_SNAPSHOT, self.name.to_string()),
            (LABEL_ID, self.id.to_string()),
            (LABEL_CONTENTS, self.contents.clone().unwrap_or_default()),
            (LABEL_NODE, node.unwrap_or_default().to_owned()),
            (LABEL_NODES, self.nodes.to_string()),
            (LABEL_VERSION, self.version.clone()),
            (LABEL_CREATED, self.created.to_string()),
            (LABEL_EXPIRES, self.expires.to_string()),
        ];
        labels.map(|(label, value)| format!("LABEL {label}={}", serde_json::Value::from(value))).into()
    }
}

/// All snapshots, by name, also incomplete ones.
///
/// # Errors
/// When the engine does not answer.
pub async fn list(engine: &dyn Engine) -> Result<Vec<Snapshot>, EngineError> {
    let images = engine.images(&Labels::from([(LABEL_ID.to_owned(), String::new())])).await?;
    let mut found: BTreeMap<(ClusterName, Instance), Snapshot> = BTreeMap::new();
    for image in images {
        let Some(one) = Snapshot::of(&image) else { continue };
        let (name, id) = (one.name.clone(), one.id.clone());
        found.entry((name, id)).and_modify(|known| known.images.extend(one.images.clone())).or_insert(one);
    }
    Ok(found.into_values().collect())
}

/// The snapshot of that name; of several the last one that is complete.
///
/// # Errors
/// When there is none, or the engine does not answer.
pub async fn find(engine: &dyn Engine, name: &ClusterName) -> Result<Snapshot, SnapshotError> {
    let mut found = list(engine).await?;
    found.retain(|snapshot| snapshot.name == *name);
    let last = found.into_iter().max_by_key(|snapshot| (snapshot.is_complete(), snapshot.created));
    last.ok_or_else(|| SnapshotError::Missing { name: name.clone() })
}

/// The snapshot of that making, complete or not.
///
/// # Errors
/// When there is none any more, or the engine does not answer.
pub async fn find_making(engine: &dyn Engine, id: &Instance) -> Result<Snapshot, SnapshotError> {
    let found = list(engine).await?.into_iter().find(|snapshot| snapshot.id == *id);
    found.ok_or_else(|| SnapshotError::Gone { id: id.clone() })
}

/// Removes a snapshot, complete or not, and says how many images that were. Clones go on.
///
/// # Errors
/// When there is none of that name, or a container uses one of its images: a clone.
pub async fn delete(engine: &dyn Engine, name: &ClusterName) -> Result<usize, SnapshotError> {
    let mut removed = 0;
    for snapshot in list(engine).await?.into_iter().filter(|snapshot| snapshot.name == *name) {
        removed += remove(engine, &snapshot.id).await?;
    }
    if removed == 0 { Err(SnapshotError::Missing { name: name.clone() }) } else { Ok(removed) }
}

/// Removes the images of one making.
///
/// # Errors
/// When the engine does not answer, or keeps one of the images.
pub async fn remove(engine: &dyn Engine, id: &Instance) -> Result<usize, EngineError> {
    let images = engine.images(&Labels::from([(LABEL_ID.to_owned(), id.to_string())])).await?;
    for image in &images {
        for name in image.tags.iter().filter(|tag| tag.contains(REPOSITORY)) {
            engine.remove_image(name).await?;
        }
    }
    Ok(images.len())
}

/// What a clone takes over. It is read from the snapshot's own images, in a container that never runs.
///
/// # Errors
/// When the snapshot is incomplete, expired, another version's or another architecture's, or the engine refuses.
pub async fn origin(engine: &Arc<dyn Engine>, snapshot: &Snapshot) -> Result<Origin, SnapshotError> {
    let name = || snapshot.name.clone();
    if !snapshot.is_complete() {
        let (found, expected) = (snapshot.images.len(), snapshot.nodes);
        return Err(SnapshotError::Incomplete { name: name(), found, expected });
    }
    if snapshot.expires <= now() {
        let days = u64::try_from((now() - snapshot.expires) / DAY).unwrap_or_default();
        return Err(SnapshotError::Expired { name: name(), days });
    }
    // The first control plane's name comes first.
    let image = snapshot.images.values().next().cloned().unwrap_or_default();
    let expected = engine.facts().await?.architecture;
    // A list of images does not tell.
    let found = engine.image(&image).await?.map(|image| image.architecture).unwrap_or_default();
    if found != expected {
        return Err(SnapshotError::Architecture { name: name(), found, expected });
    }
    let made = read(engine, snapshot, &image).await?;
    let unreadable = || SnapshotError::Unreadable { name: name(), image: image.clone() };
    let made = made.as_deref().and_then(Made::parse).ok_or_else(unreadable)?;
    let node = |(node, image): (&String, &String)| (NodeName::existing(node.clone()), image.clone());
    let images: BTreeMap<NodeName, String> = snapshot.images.iter().map(node).collect();
    Ok(Origin {
        cluster: made.cluster.clone(),
        spec: made.spec(),
        images,
        kubernetes_version: snapshot.kubernetes_version.clone(),
        authority: made.authority,
        expires: made.expires,
    })
}

/// The file [`MADE_PATH`] of an image.
async fn read(engine: &Arc<dyn Engine>, snapshot: &Snapshot, image: &str) -> Result<Option<String>, SnapshotError> {
    let id = Instance::new();
    let spec = ContainerSpec {
        name: format!("kind-rs-snapshot-{id}"),
        image: image.to_owned(),
        labels: instance_labels(&id),
        ..ContainerSpec::default()
    };
    let failed = |source| SnapshotError::File { name: snapshot.name.clone(), source };
    let container = engine.create_container(&spec).await?;
    let content = async {
        // The file is a secret: a folder of its own, which only this user reads.
        let folder = tempfile::tempdir().map_err(failed)?;
        let packed = folder.path().join("made.tar");
        engine.download_tar(&container, MADE_PATH, &packed).await?;
        let mut archive = tar::Archive::new(std::fs::File::open(&packed).map_err(failed)?);
        let Some(entry) = archive.entries().map_err(failed)?.next() else { return Ok(None) };
        Ok(std::io::read_to_string(entry.map_err(failed)?).ok())
    };
    let content: Result<Option<String>, SnapshotError> = content.await;
    engine.remove_container(&container).await?;
    content
}

impl Snapshot {
    /// Whether all its images are there.
    pub fn is_complete(&self) -> bool {
        self.images.len() == self.nodes
    }

    fn of(image: &ImageFacts) -> Option<Self> {
        let label = |label: &str| image.labels.get(label).filter(|value| !value.is_empty());
        let number = |name: &str| label(name)?.parse().ok();
        let reference = image.tags.iter().find(|tag| tag.contains(REPOSITORY))?;
        Some(Self {
            name: ClusterName::new(label(LABEL_SNAPSHOT)?).ok()?,
            id: Instance::existing(label(LABEL_ID)?)?,
            kubernetes_version: label(LABEL_VERSION)?.clone(),
            created: number(LABEL_CREATED)?,
            expires: number(LABEL_EXPIRES)?,
            nodes: label(LABEL_NODES)?.parse().ok()?,
            contents: label(LABEL_CONTENTS).cloned(),
            images: label(LABEL_NODE).map(|node| (node.clone(), reference.clone())).into_iter().collect(),
        })
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use kind_engine::FakeEngine;

    use super::*;

    /// The image of one node of a snapshot that has two.
    fn add(engine: &FakeEngine, name: &str, id: &str, node: &str, created: i64, expires: i64) {
        let (created, expires) = (created.to_string(), expires.to_string());
        let labels = [
            (LABEL_SNAPSHOT, name),
            (LABEL_ID, id),
            (LABEL_NODE, node),
            (LABEL_NODES, "2"),
            (LABEL_VERSION, "v1.37.2"),
            (LABEL_CREATED, &created),
            (LABEL_EXPIRES, &expires),
        ];
        engine.add_image(&format!("{REPOSITORY}:{id}-{node}"), &labels);
    }

    fn name(name: &str) -> ClusterName {
        ClusterName::new(name).unwrap()
    }

    async fn refusal(engine: &Arc<dyn Engine>, snapshot: &str) -> String {
        let found = find(&**engine, &name(snapshot)).await.unwrap();
        origin(engine, &found).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn of_two_makings_the_complete_one_counts_and_others_images_do_not() {
        let engine = FakeEngine::default();
        add(&engine, "a", "1", "s-control-plane", 10, 99);
        add(&engine, "a", "1", "s-worker", 10, 99);
        add(&engine, "a", "2", "s-worker", 20, 99);
        add(&engine, "b", "3", "s-worker", 10, 99);
        engine.add_image("app:1", &[(LABEL_ID, "")]);
        let found = find(&engine, &name("a")).await.unwrap();
        assert_eq!((found.id.as_str(), found.images.len(), found.is_complete()), ("1", 2, true));
        assert_eq!(delete(&engine, &name("a")).await.unwrap(), 3);
        assert_eq!(list(&engine).await.unwrap().len(), 1, "b stays");
        let missing = find(&engine, &name("a")).await.unwrap_err().to_string();
        assert!(missing.contains("kind-rs snapshot list"), "{missing}");
    }

    #[tokio::test]
    async fn what_cannot_be_cloned_is_refused_with_the_reason() {
        let fake = FakeEngine::default();
        add(&fake, "half", "1", "s-control-plane", 10, i64::MAX);
        for node in ["s-control-plane", "s-worker"] {
            add(&fake, "old", "2", node, 10, now() - 3 * DAY);
            add(&fake, "arm", "3", node, 10, i64::MAX);
            fake.change_image(&format!("{REPOSITORY}:3-{node}"), |image| image.architecture = "arm64".to_owned());
        }
        let engine: Arc<dyn Engine> = Arc::new(fake);
        let text = refusal(&engine, "half").await;
        assert!(text.contains("of its 2 images this engine has 1"), "{text}");
        let text = refusal(&engine, "old").await;
        assert!(text.contains("expired 3 days ago"), "{text}");
        let text = refusal(&engine, "arm").await;
        assert!(text.contains("for arm64"), "{text}");
    }
}
