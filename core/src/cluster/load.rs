//! Bringing images into the nodes of a cluster that a test holds.

use std::path::Path;

use super::{Cluster, ClusterError, Node};
use crate::load::{load_archive, load_images};

impl Cluster {
    /// Loads the images of an archive (`docker save`, or an OCI image layout; plain, gzip or zstd; a pipe will do) into every
    /// node, and returns what pods call them: a name of each. Only layers that a node lacks are sent; where none lacks any,
    /// tests do not wait for each other.
    ///
    /// # Errors
    /// When the file is not such an archive, no image in it has a name, or a node refuses it.
    pub async fn load_archive(&self, archive: impl AsRef<Path>) -> Result<Vec<String>, ClusterError> {
        let loaded = load_archive(&**self.engine().await?, &self.node_names(), archive.as_ref()).await?;
        Ok(loaded.images.into_iter().filter_map(|image| image.names.into_iter().next()).collect())
    }

    /// As [`load_archive`](Self::load_archive), for an archive with one image whose name never comes to mean another one,
    /// because it is a digest of what is in it. Where a note beside the cluster's state says that every node has it, nothing
    /// is read, locked or asked.
    ///
    /// # Errors
    /// As [`load_archive`](Self::load_archive).
    pub async fn load_archive_once(&self, archive: impl AsRef<Path>, name: &str) -> Result<(), ClusterError> {
        let Some(note) = self.image_note(name) else { return self.load_archive(archive).await.map(drop) };
        if note.is_made() {
            return Ok(());
        }
        // Tests that start together load the same image: one does, the others find its note.
        let turn = note.turn().await;
        if note.is_made() {
            return Ok(());
        }
        self.load_archive(archive).await?;
        if let Some(turn) = turn {
            note.make(turn, name);
        }
        Ok(())
    }

    /// Loads an image that the engine has into every node: by tag or digest, which pods then say, or by ID, with all names
    /// that the engine has for it.
    ///
    /// # Errors
    /// When the engine does not have it, it has no name, or a node refuses it.
    pub async fn load_image(&self, reference: &str) -> Result<(), ClusterError> {
        load_images(&**self.engine().await?, &self.node_names(), &[reference.to_owned()]).await?;
        Ok(())
    }

    pub(super) fn node_names(&self) -> Vec<String> {
        self.nodes().iter().map(Node::container).map(str::to_owned).collect()
    }
}
