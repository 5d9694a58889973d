//! What every test that runs a pod says first: put the images onto the cluster's nodes.

use std::path::{Path, PathBuf};

use kind_examples::image;
use kind_harness::Cluster;

/// Makes the images' archives, if no other test has yet, and loads them into every node.
pub(crate) async fn load_images(cluster: &Cluster) -> anyhow::Result<()> {
    for archive in archives(target())? {
        cluster.load_archive(&archive).await?;
    }
    Ok(())
}

/// The archive of Redis' image alone.
pub(crate) fn redis_archive() -> anyhow::Result<PathBuf> {
    image::redis(target())
}

/// Cargo's target folder. Cargo gives tests a folder of their own right below it.
fn target() -> &'static Path {
    let own = Path::new(env!("CARGO_TARGET_TMPDIR"));
    own.parent().unwrap_or(own)
}

fn archives(target: &Path) -> anyhow::Result<[PathBuf; 2]> {
    Ok([image::guestbook(target, Path::new(env!("CARGO_BIN_EXE_guestbook")))?, image::redis(target)?])
}

/// Needs no cluster: whoever makes the archives of the same program gets the same bytes.
#[test]
fn archives_are_the_same_bytes_every_time() -> anyhow::Result<()> {
    let elsewhere = tempfile::tempdir()?;
    std::fs::create_dir_all(elsewhere.path().join("kind"))?;
    std::os::unix::fs::symlink(target().join("kind/packages"), elsewhere.path().join("kind/packages"))?;
    for (first, second) in archives(target())?.iter().zip(archives(elsewhere.path())?) {
        assert!(std::fs::read(first)? == std::fs::read(second)?, "{} differs", first.display());
    }
    Ok(())
}
