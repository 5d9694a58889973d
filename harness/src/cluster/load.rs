//! Bringing images of this machine into the nodes, without a registry.

use std::{fs::File, path::Path};

use futures::future::try_join_all;
use kind_engine::Command;
use serde::Deserialize;

use super::{
    Cluster, ClusterError, Node,
    archive::{ArchivedImage, images},
};

impl Cluster {
    /// Loads the images of a `docker save` archive into every node. A node that has them already is left alone.
    ///
    /// # Errors
    /// When the file is not such an archive, or a node refuses it.
    pub async fn load_archive(&self, archive: impl AsRef<Path>) -> Result<(), ClusterError> {
        let archive = archive.as_ref();
        let images = images(archive)?;
        let nodes = self.nodes();
        // Test processes that start together bring the same archive: one imports it, the others find it there.
        let _turn = turn(archive).await?;
        try_join_all(nodes.iter().map(|node| load(node, archive, &images))).await?;
        Ok(())
    }

    /// Loads an image that the engine has into every node.
    ///
    /// # Errors
    /// When the engine does not have it, or a node refuses it.
    pub async fn load_image(&self, reference: &str) -> Result<(), ClusterError> {
        let engine = self.engine().await?;
        if engine.image(reference).await?.is_none() {
            return Err(ClusterError::NoImage { reference: reference.to_owned() });
        }
        let folder = tempfile::tempdir().map_err(|source| ClusterError::File {
            action: "make a temporary folder for",
            path: reference.into(),
            source,
        })?;
        let archive = folder.path().join("image.tar");
        engine.save_images(&[reference.to_owned()], &archive).await?;
        self.load_archive(&archive).await
    }
}

/// Waits until nobody else loads from this archive. The lock ends with the file that is returned.
async fn turn(archive: &Path) -> Result<File, ClusterError> {
    let path = archive.to_owned();
    let lock = move || {
        let file = File::open(&path)?;
        file.lock()?;
        Ok(file)
    };
    let locked = tokio::task::spawn_blocking(lock).await.expect("locking a file does not panic");
    locked.map_err(|source| ClusterError::File { action: "lock", path: archive.to_owned(), source })
}

async fn load(node: &Node, archive: &Path, images: &[ArchivedImage]) -> Result<(), ClusterError> {
    if has_all(node, images).await? {
        return Ok(());
    }
    let argv = ["ctr", "--namespace", "k8s.io", "images", "import", "--digests", "-"];
    let engine = node.cluster().engine().await?;
    engine.exec_with_file(node.name(), &Command::new(argv), archive).await?.success()?;
    Ok(())
}

#[derive(Deserialize)]
struct NodeImages {
    #[serde(default)]
    images: Vec<NodeImage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeImage {
    id: String,
    #[serde(default)]
    repo_tags: Vec<String>,
}

async fn has_all(node: &Node, images: &[ArchivedImage]) -> Result<bool, ClusterError> {
    let text = node.exec(["crictl", "images", "--output", "json"]).await?;
    // An answer in another form only costs an import that was not needed.
    let present = serde_json::from_str::<NodeImages>(&text).map_or_else(|_| Vec::new(), |answer| answer.images);
    Ok(images.iter().all(|wanted| {
        let same = present.iter().find(|image| image.id == wanted.id);
        same.is_some_and(|image| wanted.tags.iter().all(|tag| image.repo_tags.iter().any(|has| names_same(has, tag))))
    }))
}

/// Nodes spell a name out with its registry: `docker.io/library/redis:7` for `redis:7`.
fn names_same(on_node: &str, in_archive: &str) -> bool {
    on_node == in_archive
        || on_node.strip_prefix("docker.io/").is_some_and(|rest| {
            rest == in_archive || rest.strip_prefix("library/").is_some_and(|rest| rest == in_archive)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_names_are_the_same() {
        assert!(names_same("docker.io/library/redis:7", "redis:7"));
        assert!(names_same("docker.io/kind-examples/redis:7", "kind-examples/redis:7"));
        assert!(!names_same("docker.io/library/redis:7", "redis:8"));
    }
}
