//! Bringing images into the nodes of a cluster that a test holds.

use std::path::Path;

use super::{Cluster, ClusterError, Node};
use crate::load::{load_archive, load_images};

impl Cluster {
    /// Loads the images of an archive (`docker save`, or an OCI image layout; plain, gzip or zstd; a pipe will do) into every
    /// node. Only layers that a node lacks are sent; where none lacks any, tests do not wait for each other.
    ///
    /// # Errors
    /// When the file is not such an archive, no image in it has a name, or a node refuses it.
    pub async fn load_archive(&self, archive: impl AsRef<Path>) -> Result<(), ClusterError> {
        load_archive(&**self.engine().await?, &self.node_names(), archive.as_ref()).await?;
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

    fn node_names(&self) -> Vec<String> {
        self.nodes().iter().map(Node::container).map(str::to_owned).collect()
    }
}
