//! Replacing a kubeconfig file: one writer of ours at a time, and whoever is killed when leaves the old file or the new.
//!
//! What needs no change is only read: nothing is made beside it. For a change there is a kernel lock on a file beside
//! the kubeconfig, which goes with its holder; it has a name of its own because kubectl takes the mere existence of
//! `config.lock` for a lock. Programs that do not know our lock are noticed by reading once more before replacing.
//! Whatever is made has the owner of the user's own file or folder, so that one `sudo` costs nothing later.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{AT_FDCWD, AtFlags, OFlag},
    sys::statfs::{PROC_SUPER_MAGIC, statfs},
    unistd::{AccessFlags, faccessat},
};
use serde_yaml::Value;

use super::{
    KubeconfigError,
    entries::WrongShape,
    read::{Contents, contents},
};
use crate::{
    user_file::{Owner, odd_kind},
    yaml_text::is_empty,
};

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
    let target = locate(path)?;
    let mut edited = |old: &Contents| edited(path, old, &mut edit);
    if edited(&contents(&target)?.unwrap_or_default())?.is_none() {
        return Ok(false);
    }
    let place = Place::prepare(path, target)?;
    let _lock = place.lock()?;
    for _ in 0..TRIES {
        let old = contents(&place.target)?;
        let Some(text) = edited(old.as_ref().unwrap_or(&Contents::default()))? else { return Ok(false) };
        let new = place.write_beside(text.as_bytes())?;
        if contents(&place.target)? == old {
            place.replace(&new, text.as_bytes())?;
            return Ok(true);
        }
    }
    Err(KubeconfigError::Busy { path: path.to_owned() })
}

/// Checks that a file can be changed by doing everything but the change. What is made for that is removed again.
pub(super) fn check(
    path: &Path,
    mut edit: impl FnMut(&mut Value) -> Result<bool, WrongShape>,
) -> Result<(), KubeconfigError> {
    let target = locate(path)?;
    let old = contents(&target)?.unwrap_or_default();
    edited(path, &old, &mut edit)?;
    let place = Place::prepare(path, target)?;
    let tried = place.lock().and_then(|_lock| {
        let new = place.write_beside(&old.bytes)?;
        fs::remove_file(new.path).map_err(place.failed("write beside"))
    });
    for folder in place.made.iter().rev() {
        // Somebody else may use it already.
        let _ = fs::remove_dir(folder);
    }
    tried
}

/// The new text of a file, where the edit changes anything.
fn edited(
    path: &Path,
    old: &Contents,
    edit: &mut impl FnMut(&mut Value) -> Result<bool, WrongShape>,
) -> Result<Option<String>, KubeconfigError> {
    let syntax = |source| KubeconfigError::Syntax { path: path.to_owned(), source };
    let mut value =
        if is_empty(&old.document) { Value::Null } else { serde_yaml::from_str(&old.document).map_err(syntax)? };
    let changed = edit(&mut value).map_err(|WrongShape { field, found, expected }| KubeconfigError::Shape {
        path: path.to_owned(),
        field,
        found,
        expected,
    })?;
    if !changed {
        return Ok(None);
    }
    let mut text = serde_yaml::to_string(&value).map_err(syntax)?;
    // Further documents are read by nobody, but they are the user's.
    if !is_empty(&old.rest) {
        text.push_str(&old.rest);
    }
    Ok(Some(text))
}

/// The file itself, which need not exist yet: replacing a link would cut it off from what it points to.
fn locate(path: &Path) -> Result<PathBuf, KubeconfigError> {
    let not_regular = |found| KubeconfigError::NotRegular { path: path.to_owned(), found };
    let failed = |source| KubeconfigError::file("find", path, source);
    match fs::metadata(path) {
        Ok(facts) => {
            if let Some(odd) = odd_kind(facts.file_type()) {
                return Err(not_regular(odd.0));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut target = std::path::absolute(path).map_err(failed)?;
    for _ in 0..MOST_LINKS {
        match fs::read_link(&target) {
            Ok(next) => {
                let folder = folder_of(&target);
                if statfs(folder).is_ok_and(|facts| facts.filesystem_type() == PROC_SUPER_MAGIC) {
                    return Err(not_regular("an open file of a process"));
                }
                target = folder.join(next);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {
                return Ok(target);
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Err(failed(io::Error::other("too many symbolic links")))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// New contents beside a file.
struct Beside {
    path: PathBuf,
    /// Whether it has the owner and group of the file whose place it is to take.
    can_replace: bool,
}

/// Where a file is replaced.
struct Place<'a> {
    /// As the user names it.
    path: &'a Path,
    target: PathBuf,
    /// The owner of what is made beside it.
    owner: Owner,
    /// The owner that the file has.
    old_owner: Option<Owner>,
    /// Folders that were made for it, the outermost first.
    made: Vec<PathBuf>,
}

impl<'a> Place<'a> {
    /// Makes the folder where it is missing, and checks that the file is not there only to be read.
    fn prepare(path: &'a Path, target: PathBuf) -> Result<Self, KubeconfigError> {
        let failed = |action| move |source| KubeconfigError::file(action, path, source);
        let old_owner = fs::metadata(&target).ok().as_ref().map(Owner::of);
        if old_owner.is_some() {
            let writable = faccessat(AT_FDCWD, &target, AccessFlags::W_OK, AtFlags::AT_EACCESS);
            writable.map_err(io::Error::from).map_err(failed("write"))?;
        }
        let owner = match old_owner {
            Some(owner) => owner,
            None => Owner::of_place(&target).map_err(failed("find the folder of"))?,
        };
        let mut place = Self { path, target, owner, old_owner, made: Vec::new() };
        let made = make_folders(folder_of(&place.target), owner, &mut place.made);
        made.map_err(failed("make the folder of"))?;
        Ok(place)
    }

    fn failed(&self, action: &'static str) -> impl Fn(io::Error) -> KubeconfigError {
        move |source| KubeconfigError::file(action, self.path, source)
    }

    fn lock(&self) -> Result<Lock, KubeconfigError> {
        let path = sibling(&self.target, "lock");
        Lock::take(&path, self.owner).map_err(|source| KubeconfigError::lock(self.path, path, source))
    }

    /// The new contents on the disk under another name, readable by nobody else, owned by the old file's owner where this
    /// process may give them away. The name is always the same, so that somebody killed here leaves one file which the
    /// next holder of the lock replaces.
    fn write_beside(&self, contents: &[u8]) -> Result<Beside, KubeconfigError> {
        let path = sibling(&self.target, "new");
        let write = || {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path)?;
            let kept = match self.old_owner {
                Some(owner) => owner.keep(&file),
                None => self.owner.give(&file),
            };
            let can_replace = match kept {
                // A file that a group shares, or one of a group that its owner is not in.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => false,
                other => other.map(|()| true)?,
            };
            file.write_all(contents)?;
            file.sync_all()?;
            Ok(can_replace)
        };
        let written = write().map_err(self.failed("write beside"));
        if written.is_err() {
            // The error says more than a file that is half written.
            let _ = fs::remove_file(&path);
        }
        written.map(|can_replace| Beside { path, can_replace })
    }

    fn replace(&self, new: &Beside, contents: &[u8]) -> Result<(), KubeconfigError> {
        let fill = || {
            let mut file = OpenOptions::new().write(true).truncate(true).open(&self.target)?;
            file.write_all(contents)?;
            file.sync_all()?;
            fs::remove_file(&new.path)
        };
        let replaced = if new.can_replace {
            match fs::rename(&new.path, &self.target) {
                // A file that was mounted by itself, as into a container, cannot be replaced but only be filled anew.
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => fill(),
                other => other,
            }
        } else {
            // As kubectl does it: another file in its place would shut its owner or its group out.
            fill()
        };
        if replaced.is_err() {
            let _ = fs::remove_file(&new.path);
        }
        replaced.map_err(self.failed("replace"))
    }
}

/// Makes the folders that are missing, for their user alone, and notes which.
fn make_folders(folder: &Path, owner: Owner, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| fs::symlink_metadata(folder).is_err()).collect();
    for folder in missing.into_iter().rev() {
        match DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => {
                made.push(folder.to_owned());
                owner.give(&File::open(folder)?)?;
            }
            // Somebody else needs it as well.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    if folder.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

/// The lock, held until it is dropped. Its file goes with it, so that none stays beside the user's.
struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    fn take(path: &Path, owner: Owner) -> io::Result<Self> {
        loop {
            let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
            let mut options = OpenOptions::new();
            options.create(true).truncate(false).write(true).mode(0o600).custom_flags(flags.bits());
            let file = match options.open(path) {
                Ok(file) => file,
                // Versions before this one left locks behind, with sudo those of root: in a folder of the user's they
                // can go. Root's own changes are still noticed by the last look before replacing.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied && fs::remove_file(path).is_ok() => {
                    continue;
                }
                Err(error) => return Err(error),
            };
            owner.give(&file)?;
            file.lock()?;
            let lock = Self { file, path: path.to_owned() };
            if lock.is_current() {
                return Ok(lock);
            }
        }
    }

    /// Whether the file is still the one that others find. Its last holder removed it where it is not.
    fn is_current(&self) -> bool {
        let identity = |facts: fs::Metadata| (facts.dev(), facts.ino());
        let there = fs::symlink_metadata(&self.path).ok().map(identity);
        there.is_some() && there == self.file.metadata().ok().map(identity)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_current() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn sibling(target: &Path, ending: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    folder_of(target).join(format!(".{name}.kind-rs.{ending}"))
}
