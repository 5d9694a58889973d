//! The members of a tar file by name, found once and then read where they lie.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Component, Path, PathBuf},
};

/// More of these than any list of images: whoever made such a file made something else.
const MOST_MEMBERS: usize = 100_000;

/// Where a member's bytes lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) position: u64,
    pub(super) size: u64,
}

/// What a reader of tar says of other files quotes their bytes.
fn damaged(error: &io::Error) -> io::Error {
    let text: String = error.to_string().chars().filter(|one| !one.is_control()).take(100).collect();
    io::Error::other(format!(
        "it is no tar file, or a damaged one ({text}); expected what `docker save` writes, or an OCI image layout"
    ))
}

/// An open tar file.
#[derive(Debug)]
pub(super) struct Members {
    file: File,
    places: BTreeMap<String, Member>,
    links: BTreeMap<String, String>,
}

impl Members {
    /// Finds every member.
    pub(super) fn of(file: File) -> io::Result<Self> {
        let (mut places, mut links) = (BTreeMap::new(), BTreeMap::new());
        let length = file.metadata()?.len();
        let mut archive = tar::Archive::new(&file);
        for entry in archive.entries_with_seek()? {
            let entry = entry.map_err(|error| damaged(&error))?;
            let name = normal(&entry.path()?);
            if places.len() + links.len() >= MOST_MEMBERS {
                return Err(io::Error::other("too many members"));
            }
            match (entry.header().entry_type(), entry.link_name()?) {
                // `docker save` links a layer that several images share.
                (tar::EntryType::Symlink, Some(target)) => {
                    let folder = Path::new(&name).parent().map(Path::to_owned).unwrap_or_default();
                    links.insert(name, normal(&folder.join(target)));
                }
                (tar::EntryType::Link, Some(target)) => _ = links.insert(name, normal(&target)),
                _ => {
                    if entry.raw_file_position().saturating_add(entry.size()) > length {
                        return Err(io::Error::other(format!("it is cut off in {name}: save or copy it again")));
                    }
                    let member = Member { position: entry.raw_file_position(), size: entry.size() };
                    places.insert(name, member);
                }
            }
        }
        Ok(Self { file, places, links })
    }

    /// A member, links followed.
    pub(super) fn find(&self, name: &str) -> Option<Member> {
        let mut name = name;
        for _ in 0..10 {
            match self.links.get(name) {
                Some(target) => name = target,
                None => return self.places.get(name).copied(),
            }
        }
        None
    }

    /// The bytes of a small member.
    pub(super) fn read(&self, name: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(member) = self.find(name) else { return Ok(None) };
        if member.size > limit {
            return Err(io::Error::other(format!("{name} has {} bytes, expected at most {limit}", member.size)));
        }
        let mut bytes = Vec::new();
        self.open(member)?.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// A member's bytes as a stream.
    pub(super) fn open(&self, member: Member) -> io::Result<io::Take<File>> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(member.position))?;
        Ok(file.take(member.size))
    }
}

/// A path by its names alone.
fn normal(path: &Path) -> String {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = normal.pop(),
            Component::Normal(name) => normal.push(name),
            _ => {}
        }
    }
    normal.to_string_lossy().into_owned()
}
