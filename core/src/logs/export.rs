//! The export as a whole.

use std::{
    io,
    path::{Path, PathBuf},
};

use futures::future::join_all;
use kind_engine::Engine;

use super::{cluster, node, tree::Tree};
use crate::{
    inventory::{self, FindError},
    private_file::save,
    spec::ClusterName,
};

/// Nothing could be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogsError {
    /// The cluster.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The folder.
    #[error("write logs to {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Writes everything that explains a cluster into a folder, which is made where it is missing, and says how many things
/// could not be had; `missing.txt` names them. Only the user can read the files, and secrets are left out of them. `version` is the program's own.
///
/// # Errors
/// When there is no such cluster, or the folder cannot be made or written.
pub async fn export(engine: &dyn Engine, name: &ClusterName, folder: &Path, version: &str) -> Result<usize, LogsError> {
    let containers = inventory::cluster(engine, name).await?;
    let failed = |source| LogsError::Folder { folder: folder.to_owned(), source };
    save(&folder.join("kind-rs-version.txt"), &format!("{version}\n")).map_err(failed)?;
    let tree = Tree::new(folder, cluster::known(engine, &containers).await);
    tree.save("docker-info.json", engine.describe()).await;
    let nodes = join_all(containers.iter().map(|container| node::export(engine, &tree, container)));
    tokio::join!(nodes, cluster::export(engine, &tree, &containers));
    tree.finish().map_err(failed)
}
