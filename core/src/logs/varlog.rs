//! A node's `/var/log`: the logs of pods and their containers.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
};

use flate2::read::GzDecoder;
use kind_engine::Engine;

use super::tree::Tree;
use crate::{
    private_file::{LARGEST, bounded, private_folder, save},
    redact::Known,
};

pub(super) async fn export(engine: &dyn Engine, tree: &Tree, node: &str) {
    let label = format!("{node}/var-log");
    let archive = match tempfile::NamedTempFile::new() {
        Ok(file) => file,
        Err(error) => return tree.lacks(&label, error),
    };
    if let Err(error) = engine.download_tar(node, "/var/log", archive.path()).await {
        return tree.lacks(&label, error);
    }
    let (folder, known) = (tree.path(node), tree.known());
    let unpacked = tokio::task::spawn_blocking(move || {
        let mut missing = Vec::new();
        let done = unpack(archive.reopen()?, &folder, &known, &mut missing);
        done.map(|()| missing)
    });
    match unpacked.await.map_err(io::Error::other).and_then(|done| done) {
        Ok(missing) => missing.iter().for_each(|problem| tree.lacks(&label, problem)),
        Err(error) => tree.lacks(&label, error),
    }
}

/// Unpacks texts without their secrets, and links within the logs as links within the folder. Everything else is passed
/// over: devices and links that lead elsewhere mean something on the node, not here, and secrets cannot be left out of what
/// is no text.
///
/// Whoever wrote the archive must not choose what is written elsewhere: nothing is written through a link, neither one of
/// the archive nor one that an earlier export left.
pub(super) fn unpack(archive: File, folder: &Path, known: &Known, missing: &mut Vec<String>) -> io::Result<()> {
    let mut archive = tar::Archive::new(archive);
    let mut links = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        // The tar's own top is `log/`.
        let Some(relative) = inside(path.strip_prefix("log").unwrap_or(&path)) else { continue };
        if relative.as_os_str().is_empty() {
            continue;
        }
        match entry.header().entry_type() {
            tar::EntryType::Directory => _ = real_folder(folder, &relative)?,
            tar::EntryType::Regular | tar::EntryType::Continuous => match text(&relative, &mut entry)? {
                Some((relative, text)) => {
                    real_folder(folder, relative.parent().unwrap_or(Path::new("")))?;
                    save(&folder.join(&relative), &known.left_out_of(&bounded(&text)))?;
                }
                None => missing.push(format!("{} is no text", path.display())),
            },
            tar::EntryType::Symlink => {
                let to = entry.link_name()?.unwrap_or_default().into_owned();
                links.extend(to.strip_prefix("/var/log").ok().and_then(inside).map(|to| (relative, to)));
            }
            _ => missing.push(format!("{} is no file", path.display())),
        }
    }
    for (relative, to) in links {
        real_folder(folder, relative.parent().unwrap_or(Path::new("")))?;
        let up: PathBuf = relative.components().skip(1).map(|_| Component::ParentDir).collect();
        let path = folder.join(&relative);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            missing.push(format!("{}: {error}", path.display()));
            continue;
        }
        symlink(up.join(to), &path)?;
    }
    Ok(())
}

/// The end of a text of the archive, and where it belongs; logs that were rotated are compressed. `None` for what is no text.
fn text(relative: &Path, content: &mut impl Read) -> io::Result<Option<(PathBuf, String)>> {
    let is_compressed = relative.extension().is_some_and(|extension| extension == "gz");
    let bytes = if is_compressed {
        // One that is just being compressed is cut off.
        let Ok(bytes) = end_of(&mut GzDecoder::new(content)) else { return Ok(None) };
        bytes
    } else {
        end_of(content)?
    };
    if bytes.iter().take(8192).any(|byte| *byte == 0) {
        return Ok(None);
    }
    let relative = if is_compressed { relative.with_extension("") } else { relative.to_owned() };
    Ok(Some((relative, String::from_utf8_lossy(&bytes).into_owned())))
}

/// Everything, or as much of its end as is kept of any file.
fn end_of(content: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut end = Vec::new();
    loop {
        let most = u64::try_from(LARGEST).unwrap_or(u64::MAX);
        if content.by_ref().take(most).read_to_end(&mut end)? == 0 {
            return Ok(end);
        }
        let surplus = end.len().saturating_sub(LARGEST + 1);
        end.drain(..surplus);
    }
}

/// Makes a folder below another one, in which no part is a link.
fn real_folder(folder: &Path, below: &Path) -> io::Result<PathBuf> {
    private_folder(folder)?;
    let mut path = folder.to_owned();
    for part in below.components() {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => continue,
            Ok(_) => fs::remove_file(&path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        private_folder(&path)?;
    }
    Ok(path)
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
