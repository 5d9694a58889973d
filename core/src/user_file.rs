//! Files that users made: reading them without getting stuck, and whose what is made beside them is to be.
//!
//! What the files mean is known to others.

use std::{
    fs::{self, File, FileType, Metadata, OpenOptions},
    io::{self, Read},
    os::{
        fd::AsFd,
        unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, fchown},
    },
    path::{Path, PathBuf},
};

use nix::{
    fcntl::OFlag,
    unistd::{getegid, geteuid},
};

/// The largest file that is read as text.
const LARGEST: u64 = 16 << 20;

/// Something else than a file that can be read again and replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is {0}, expected a regular file")]
pub(crate) struct NotRegular(pub(crate) &'static str);

/// What it is, where it is no regular file.
pub(crate) fn odd_kind(kind: FileType) -> Option<NotRegular> {
    let names = [
        (kind.is_dir(), "a folder"),
        (kind.is_fifo(), "a pipe"),
        (kind.is_socket(), "a socket"),
        (kind.is_char_device() || kind.is_block_device(), "a device"),
    ];
    if kind.is_file() {
        return None;
    }
    let name = names.into_iter().find_map(|(is_it, name)| is_it.then_some(name));
    Some(NotRegular(name.unwrap_or("something else")))
}

/// Reads a regular file. A pipe would wait for a writer, and a device never ends: those are errors.
///
/// # Errors
/// When it cannot be read, is a folder, a pipe or a device, or is larger than any file that people write.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe waits, too.
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    if let Some(odd) = odd_kind(file.metadata()?.file_type()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, odd));
    }
    let mut bytes = Vec::new();
    if file.take(LARGEST + 1).read_to_end(&mut bytes)? as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MiB"));
    }
    Ok(bytes)
}

/// The user and the group that something belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    pub(crate) fn of(facts: &Metadata) -> Self {
        Self { user: facts.uid(), group: facts.gid() }
    }

    /// The owner of the nearest folder above that is there.
    pub(crate) fn of_place(path: &Path) -> io::Result<Self> {
        let facts = path.ancestors().skip(1).find_map(|folder| fs::metadata(folder).ok());
        facts.as_ref().map(Self::of).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Hands a file over that takes the place of this owner's, which nobody else's may.
    pub(crate) fn keep(self, made: &File) -> io::Result<()> {
        if self == Self::of(&made.metadata()?) {
            return Ok(());
        }
        fchown(made.as_fd(), Some(self.user), Some(self.group))
    }

    /// Hands a file or folder over where this process may: with sudo it is root who works in the user's folders, and
    /// what stays there must be the user's.
    pub(crate) fn give(self, made: &File) -> io::Result<()> {
        if !geteuid().is_root() || self == Self::of(&made.metadata()?) {
            return Ok(());
        }
        fchown(made.as_fd(), Some(self.user), Some(self.group))
    }
}

/// What on this path root owns in a folder of this user's: an earlier `sudo` left it.
pub fn left_by_root(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let owner = |path: &Path| fs::symlink_metadata(path).ok().map(|facts| facts.uid());
    let user = geteuid().as_raw();
    let mut below: Vec<&Path> = path.ancestors().collect();
    below.reverse();
    let found = below.windows(2).find(|pair| owner(pair[0]) == Some(user) && owner(pair[1]) == Some(0));
    found.filter(|_| user != 0).map(|pair| pair[1].to_owned())
}

/// The command that gives such a thing back.
pub fn give_back(path: &Path) -> String {
    format!("sudo chown -R {}:{} {}", geteuid(), getegid(), path.display())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_regular_files_are_read_and_nothing_hangs() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "x").unwrap();
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let _listener = UnixListener::bind(at("socket")).unwrap();
        assert_eq!(read(&at("file")).unwrap(), b"x");
        assert_eq!(read(&at("absent")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(read(&at("pipe")).unwrap_err().to_string(), "it is a pipe, expected a regular file");
        assert_eq!(read(Path::new("/dev/null")).unwrap_err().to_string(), "it is a device, expected a regular file");
        assert_eq!(read(folder.path()).unwrap_err().to_string(), "it is a folder, expected a regular file");
        // A socket cannot even be opened.
        assert!(read(&at("socket")).is_err());
        assert_eq!(odd_kind(fs::metadata(at("socket")).unwrap().file_type()), Some(NotRegular("a socket")));
    }
}
