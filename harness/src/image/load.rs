//! Bringing an image into the nodes of a cluster.

use kind_core::cluster::{Cluster, ClusterError};

use super::{BuiltImage, Image, ImageError, recipe::Source};
use crate::TestContext;

impl Image {
    /// Loads it into every node of a cluster, as where there is no test yet (`prepare`), and returns the reference that pods say.
    ///
    /// # Errors
    /// As [`TestContext::load`].
    pub async fn load_into(&self, cluster: &Cluster) -> Result<String, ImageError> {
        if !cluster.is_ours() {
            return Err(ClusterError::OutOfReach { cluster: cluster.name().to_owned() }.into());
        }
        match &self.source {
            Source::Program(recipe) => {
                let BuiltImage { reference, archive } = self.build().await?;
                match recipe.tag {
                    None => cluster.load_archive_once(archive, &reference).await?,
                    Some(_) => drop(cluster.load_archive(archive).await?),
                }
                Ok(reference)
            }
            Source::Archive(path, None) => {
                let images = cluster.load_archive(path).await?;
                match images.as_slice() {
                    [reference] => Ok(reference.clone()),
                    _ => Err(ImageError::Several { path: path.clone(), images }),
                }
            }
            Source::Engine(reference, None) => {
                cluster.load_image(reference).await?;
                Ok(reference.clone())
            }
            Source::Archive(path, Some(what)) => Err(ImageError::NotOurs { image: path.display().to_string(), what }),
            Source::Engine(reference, Some(what)) => Err(ImageError::NotOurs { image: reference.clone(), what }),
        }
    }
}

impl TestContext {
    /// Loads an image into every node of the test's cluster, where it is not there already, and returns the reference that pods
    /// say: see [`Image`].
    ///
    /// # Errors
    /// When there is no such program, library, file or image, it is for another machine than the nodes are, a node refuses it,
    /// or the cluster belongs to somebody else.
    pub async fn load(&self, image: &Image) -> Result<String, ImageError> {
        image.load_into(self.cluster()).await
    }
}
