//! A node's `/var/log`: the logs of pods and their containers.

use std::{
    fs::{self, File},
    io,
    path::{Component, Path, PathBuf},
};

use kind_engine::Engine;

use super::tree::Tree;

pub(super) async fn export(engine: &dyn Engine, tree: &Tree, node: &str) {
    let label = format!("{node}/var-log");
    let archive = match tempfile::NamedTempFile::new() {
        Ok(file) => file,
        Err(error) => return tree.lacks(&label, error),
    };
    if let Err(error) = engine.download_tar(node, "/var/log", archive.path()).await {
        return tree.lacks(&label, error);
    }
    let folder = tree.path(node);
    let unpacked = tokio::task::spawn_blocking(move || {
        let mut missing = Vec::new();
        let done = unpack(archive.reopen()?, &folder, &mut missing);
        done.map(|()| missing)
    });
    match unpacked.await.expect("unpacking a file does not panic") {
        Ok(missing) => missing.iter().for_each(|problem| tree.lacks(&label, problem)),
        Err(error) => tree.lacks(&label, error),
    }
}

/// Unpacks plain files, and links within the logs as links within the folder. Everything else is passed over: devices
/// and links that lead elsewhere mean something on the node, not here.
pub(super) fn unpack(archive: File, folder: &Path, missing: &mut Vec<String>) -> io::Result<()> {
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        // The tar's own top is `log/`.
        let Some(relative) = inside(path.strip_prefix("log").unwrap_or(&path)) else { continue };
        if relative.as_os_str().is_empty() {
            continue;
        }
        let target = folder.join(&relative);
        match entry.header().entry_type() {
            tar::EntryType::Directory => fs::create_dir_all(&target)?,
            tar::EntryType::Regular | tar::EntryType::Continuous => {
                make_parent(&target)?;
                io::copy(&mut entry, &mut File::create(&target)?)?;
            }
            tar::EntryType::Symlink => {
                let to = entry.link_name()?.unwrap_or_default().into_owned();
                if let Some(to) = to.strip_prefix("/var/log").ok().and_then(inside) {
                    make_parent(&target)?;
                    let up: PathBuf = relative.components().skip(1).map(|_| Component::ParentDir).collect();
                    std::os::unix::fs::symlink(up.join(to), &target)?;
                }
            }
            _ => missing.push(format!("{} is no file", path.display())),
        }
    }
    Ok(())
}

/// The path, where it stays within its folder.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => inside.push(name),
            Component::CurDir | Component::RootDir => {}
            _ => return None,
        }
    }
    Some(inside)
}

fn make_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}
