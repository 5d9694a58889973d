//! What every test that runs a pod says first: put the images onto the cluster's nodes.

use std::path::Path;

use kind_examples::images;
use kind_harness::{Cluster, Image};

/// What pods call the images of the examples.
pub(crate) struct Loaded {
    pub(crate) guestbook: String,
    pub(crate) redis: String,
}

/// Makes the images, if no other test has yet, and loads them into every node that lacks them.
pub(crate) async fn load_images(cluster: &Cluster) -> anyhow::Result<Loaded> {
    let (guestbook, redis) = (guestbook("v1").load_into(cluster).await?, redis()?.load_into(cluster).await?);
    Ok(Loaded { guestbook, redis })
}

/// The guestbook in that version.
pub(crate) fn guestbook(version: &str) -> Image {
    images::guestbook(env!("CARGO_BIN_EXE_guestbook"), version)
}

/// Redis.
pub(crate) fn redis() -> anyhow::Result<Image> {
    // Cargo gives tests a folder of their own right below its target folder.
    let own = Path::new(env!("CARGO_TARGET_TMPDIR"));
    images::redis(own.parent().unwrap_or(own))
}
