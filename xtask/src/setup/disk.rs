//! Room for images and containers on the engine's disk.

use std::path::{Path, PathBuf};

use kind_images::machine::DISK_OF_A_BUILD;
use nix::sys::statvfs::statvfs;

/// What a node image, a cluster and the build of both take.
const LEAST: u64 = DISK_OF_A_BUILD;
const GIB: u64 = 1 << 30;

/// The disk is too full.
#[derive(Debug, thiserror::Error)]
#[error(
    "use {} for images and containers: {:.1} GiB are free, at least {} GiB are needed; remove unused images (`docker system prune`) or files",
    folder.display(), gib(*free), LEAST / GIB
)]
pub struct DiskError {
    folder: PathBuf,
    free: u64,
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn gib(bytes: u64) -> f64 {
    bytes as f64 / GIB as f64
}

/// Checks the disk that holds `folder`. A folder that cannot be looked at is on another machine.
pub(super) fn check(folder: &Path) -> Result<(), DiskError> {
    let Ok(facts) = statvfs(folder) else { return Ok(()) };
    enough(folder, facts.blocks_available() * facts.fragment_size())
}

fn enough(folder: &Path, free: u64) -> Result<(), DiskError> {
    if free >= LEAST { Ok(()) } else { Err(DiskError { folder: folder.to_owned(), free }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_which_and_how_much() {
        let text = enough(Path::new("/images"), 3 * GIB).unwrap_err().to_string();
        assert!(text.starts_with("use /images for images and containers: 3.0 GiB are free, at least 10 GiB"), "{text}");
        assert!(enough(Path::new("/images"), LEAST).is_ok());
    }
}
