//! Replacing a kubeconfig file: one writer of ours at a time, and whoever is killed when leaves the old file or the new.
//!
//! The lock is a kernel lock on a file beside it, which goes with its holder and whose file stays for ever; it has a
//! name of its own because kubectl takes the mere existence of `config.lock` for a lock. Programs that do not know our
//! lock are noticed by reading once more before replacing.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde_yaml::Value;

use super::{KubeconfigError, entries::WrongShape};

/// How often a file that others change meanwhile is read again.
const TRIES: usize = 20;
/// More symbolic links than this in a row are a circle.
const MOST_LINKS: usize = 40;

/// Changes a file. `edit` gets its data (null where there is no file) and says whether it changed them; where it did
/// not, nothing is written. A folder that is missing is made only for a change.
pub(super) fn change(
    path: &Path,
    mut edit: impl FnMut(&mut Value) -> Result<bool, WrongShape>,
) -> Result<bool, KubeconfigError> {
    let failed = |action| move |source| KubeconfigError::File { action, path: path.to_owned(), source };
    let target = follow_links(path).map_err(failed("follow the links of"))?;
    if !target.exists() {
        // Nothing to change, nothing to lock, no folder to make.
        let mut value = Value::Null;
        if !edit(&mut value).map_err(|wrong| shape(path, wrong))? {
            return Ok(false);
        }
    }
    let folder = folder_of(&target);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed("make the folder of"))?;
    let lock = open_lock(&target).map_err(failed("open the lock of"))?;
    lock.lock().map_err(failed("lock"))?;
    for _ in 0..TRIES {
        let old = read(&target).map_err(failed("read"))?;
        let mut value = parse(path, old.as_deref().unwrap_or_default())?;
        if !edit(&mut value).map_err(|wrong| shape(path, wrong))? {
            return Ok(false);
        }
        let text = serde_yaml::to_string(&value)
            .map_err(|source| KubeconfigError::Syntax { path: path.to_owned(), source })?;
        let new = write_beside(&target, text.as_bytes()).map_err(failed("write"))?;
        if read(&target).map_err(failed("read"))? == old {
            fs::rename(new, &target).map_err(failed("replace"))?;
            return Ok(true);
        }
    }
    Err(KubeconfigError::Busy { path: path.to_owned() })
}

/// The file itself, which need not exist yet: replacing a link would cut it off from what it points to.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = std::path::absolute(path)?;
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(next) => path = folder_of(&path).join(next),
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

fn open_lock(target: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(sibling(target, "lock"))
}

fn read(target: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(target) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Value, KubeconfigError> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Null);
    }
    serde_yaml::from_slice(bytes).map_err(|source| KubeconfigError::Syntax { path: path.to_owned(), source })
}

fn shape(path: &Path, wrong: WrongShape) -> KubeconfigError {
    let WrongShape { field, found, expected } = wrong;
    KubeconfigError::Shape { path: path.to_owned(), field, found, expected }
}

/// The new contents on the disk under another name, readable by nobody else, owned by the old file's owner. The name is
/// always the same, so that somebody killed here leaves one file which the next holder of the lock replaces.
fn write_beside(target: &Path, contents: &[u8]) -> io::Result<PathBuf> {
    let path = sibling(target, "new");
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path)?;
    if let (Ok(old), Ok(new)) = (fs::metadata(target), file.metadata())
        && (old.uid(), old.gid()) != (new.uid(), new.gid())
    {
        // With sudo it is root who writes into the user's file; that must stay the user's.
        std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))?;
    }
    file.write_all(contents)?;
    file.sync_all()?;
    Ok(path)
}

fn sibling(target: &Path, ending: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    folder_of(target).join(format!(".{name}.kind-rs.{ending}"))
}
