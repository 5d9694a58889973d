//! Where `cargo xtask setup` unpacks the distribution's packages that `packages.txt` lists.

use std::path::{Path, PathBuf};

use anyhow::bail;

/// The folder that the packages of one line of `packages.txt` are unpacked into.
pub(super) fn folder(target: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let folder = target.join("kind/packages").join(name);
    if !folder.is_dir() {
        bail!("the packages of {name} are not in {}: run `cargo xtask setup`", folder.display());
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_packages_say_what_to_run() {
        let target = tempfile::tempdir().unwrap();
        let error = folder(target.path(), "redis").unwrap_err().to_string();
        assert!(error.ends_with("run `cargo xtask setup`"), "{error}");
    }
}
