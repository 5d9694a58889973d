//! Kernel locks on files: they end with whoever holds them, however it ends.
//!
//! A lock file is never unlinked by itself. It goes with its folder, under the exclusive lock, and whoever gets a lock
//! then asks whether it is still the one that the path names ([`LockFile::is_current`]).

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use kind_core::access::Access;

use super::step::step;

/// An open lock file; closing it gives the lock back.
#[derive(Debug)]
pub(super) struct LockFile {
    file: File,
    path: PathBuf,
}

impl LockFile {
    /// Opens it, and makes it where it is missing.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        Ok(Self { file, path: path.to_owned() })
    }

    pub(super) fn try_shared(&self) -> io::Result<bool> {
        outcome(self.file.try_lock_shared())
    }

    pub(super) fn try_exclusive(&self) -> io::Result<bool> {
        outcome(self.file.try_lock())
    }

    pub(super) fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }

    /// Whether the path still names this very file. A lock on a file that was removed keeps nobody out.
    pub(super) fn is_current(&self) -> bool {
        let (Ok(held), Ok(named)) = (self.file.metadata(), std::fs::metadata(&self.path)) else { return false };
        (held.dev(), held.ino()) == (named.dev(), named.ino())
    }

    /// Notes that the lock was used just now.
    pub(super) fn touch(&self) -> io::Result<()> {
        self.file.set_modified(SystemTime::now())
    }

    /// Makes it look unused for ever, so that whoever waits for disuse need not wait any longer; any use undoes that.
    pub(super) fn disuse(&self) -> io::Result<()> {
        self.file.set_modified(SystemTime::UNIX_EPOCH)
    }

    /// Whether nobody will use it again.
    pub(super) fn is_disused(&self) -> bool {
        self.touched().is_ok_and(|touched| touched == SystemTime::UNIX_EPOCH)
    }

    /// When it was last used.
    pub(super) fn touched(&self) -> io::Result<SystemTime> {
        self.file.metadata()?.modified()
    }
}

fn outcome(result: Result<(), TryLockError>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The way to the lock of a cluster's users. Everybody goes through a turnstile first and stays in it while it waits:
/// alone where it wants the cluster for itself, beside others where it does not. So newcomers of the other kind queue up
/// behind, and neither kind can starve the other.
#[derive(Debug)]
pub(super) struct Door {
    turnstile: LockFile,
    users: LockFile,
    access: Access,
    in_turnstile: bool,
}

/// The lock of a cluster's users, held.
#[derive(Debug)]
pub(super) struct Seat(LockFile);

impl Door {
    pub(super) fn new(turnstile: LockFile, users: LockFile, access: Access) -> Self {
        Self { turnstile, users, access, in_turnstile: false }
    }

    /// Tries once. Dropping the door gives up the place in the turnstile.
    pub(super) fn try_enter(&mut self) -> io::Result<bool> {
        let alone = self.access.is_alone();
        let try_lock = |file: &LockFile| if alone { file.try_exclusive() } else { file.try_shared() };
        if !self.in_turnstile {
            self.in_turnstile = try_lock(&self.turnstile)?;
            step("tried the turnstile");
        }
        if !self.in_turnstile || !try_lock(&self.users)? {
            return Ok(false);
        }
        step("got the users' lock");
        self.turnstile.unlock()?;
        self.in_turnstile = false;
        Ok(true)
    }

    /// Whether both files are still those that everybody else uses.
    pub(super) fn is_current(&self) -> bool {
        self.turnstile.is_current() && self.users.is_current()
    }

    /// Keeps the lock.
    pub(super) fn into_seat(self) -> Seat {
        Seat(self.users)
    }
}

impl Seat {
    /// Whether it is a lock on the file that everybody else uses.
    pub(super) fn is_current(&self) -> bool {
        self.0.is_current()
    }

    /// Notes the use and gives the lock back.
    pub(super) fn leave(self) {
        // Without the note the cluster only looks unused for longer than it is.
        let _ = self.0.touch();
    }

    /// Gives the lock back, and nobody will take it again.
    pub(super) fn leave_for_good(self) {
        // Without the note the cluster goes with its owner.
        let _ = self.0.disuse();
    }

    pub(super) fn touch(&self) {
        let _ = self.0.touch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(folder: &Path, access: Access) -> Door {
        let open = |name: &str| LockFile::open(&folder.join(name)).unwrap();
        Door::new(open("turn.lock"), open("users.lock"), access)
    }

    #[test]
    fn shared_goes_with_shared_and_exclusive_with_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let mut doors = [Access::Shared, Access::Read, Access::Exclusive].map(|access| door(folder.path(), access));
        assert!(doors[0].try_enter().unwrap());
        assert!(doors[1].try_enter().unwrap());
        assert!(!doors[2].try_enter().unwrap());
        let [first, second, mut exclusive] = doors;
        first.into_seat().leave();
        assert!(!exclusive.try_enter().unwrap());
        second.into_seat().leave();
        assert!(exclusive.try_enter().unwrap());
        let seat = exclusive.into_seat();
        assert!(!door(folder.path(), Access::Shared).try_enter().unwrap());
        seat.leave();
        assert!(door(folder.path(), Access::Shared).try_enter().unwrap());
    }

    /// With an endless stream of sharers that always overlap, exclusive access is still given.
    #[test]
    fn exclusive_access_does_not_starve() {
        let folder = tempfile::tempdir().unwrap();
        let mut sharer = door(folder.path(), Access::Shared);
        assert!(sharer.try_enter().unwrap());
        let mut inside = vec![sharer.into_seat()];
        let mut exclusive = door(folder.path(), Access::Exclusive);
        let mut rounds = 0;
        while !exclusive.try_enter().unwrap() {
            rounds += 1;
            assert!(rounds < 5, "newcomers overtake the exclusive one for ever");
            let mut newcomer = door(folder.path(), Access::Shared);
            if newcomer.try_enter().unwrap() {
                inside.push(newcomer.into_seat());
            }
            inside.remove(0).leave();
        }
    }

    #[test]
    fn giving_up_frees_the_turnstile() {
        let folder = tempfile::tempdir().unwrap();
        let mut sharer = door(folder.path(), Access::Shared);
        assert!(sharer.try_enter().unwrap());
        let mut exclusive = door(folder.path(), Access::Exclusive);
        assert!(!exclusive.try_enter().unwrap());
        assert!(!door(folder.path(), Access::Shared).try_enter().unwrap());
        drop(exclusive);
        assert!(door(folder.path(), Access::Shared).try_enter().unwrap());
    }

    #[test]
    fn a_lock_on_a_removed_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users.lock");
        let held = LockFile::open(&path).unwrap();
        assert!(held.try_exclusive().unwrap() && held.is_current());
        std::fs::remove_file(&path).unwrap();
        assert!(!held.is_current());
        let next = LockFile::open(&path).unwrap();
        assert!(next.try_exclusive().unwrap() && next.is_current() && !held.is_current());
    }
}
