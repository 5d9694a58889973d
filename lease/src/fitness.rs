//! Whether a folder may hold the states of clusters: whoever can write into it decides what privileged containers do, and
//! its locks must be the kernel's own.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use kind_core::user_file;
use nix::{sys::statfs::statfs, unistd::geteuid};

/// Kinds of file systems whose locks others may not see, by the number that the kernel gives them.
const REMOTE: [(u32, &str); 9] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "SMB"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x5346_414f, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
];

/// A folder that cannot hold states.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Unfit {
    #[error(
        "it is on {0}, where other machines and programs do not see this one's locks: set KIND_TEST_STATE_DIR to a folder on a local disk"
    )]
    Remote(&'static str),
    #[error(
        "it belongs to user {0}, who would decide what this user's clusters are: set KIND_TEST_STATE_DIR to another one"
    )]
    Owner(u32),
    #[error("{} belongs to root, an earlier `sudo` left it: `{}` gives it back", .0.display(), user_file::give_back(.0))]
    LeftByRoot(PathBuf),
    #[error("others may write into it (mode {mode:o}): `chmod go-w {}` ends that", path.display())]
    Mode { path: PathBuf, mode: u32 },
}

/// Checks a folder that is there.
///
/// # Errors
/// What is wrong with it, and what to do.
pub(super) fn check(path: &Path) -> io::Result<()> {
    let facts = fs::metadata(path)?;
    let kind = statfs(path).map_err(io::Error::from)?.filesystem_type().0;
    match judge(path, kind, facts.uid(), facts.mode(), geteuid().as_raw()) {
        Some(unfit) => Err(io::Error::other(unfit)),
        None => Ok(()),
    }
}

/// Makes what the system says of a folder into what a person can do about it.
pub(super) fn explain(path: &Path, error: io::Error) -> io::Error {
    match user_file::left_by_root(path) {
        Some(left) if error.kind() == io::ErrorKind::PermissionDenied => io::Error::other(Unfit::LeftByRoot(left)),
        _ => error,
    }
}

fn judge(path: &Path, kind: impl TryInto<u64>, owner: u32, mode: u32, user: u32) -> Option<Unfit> {
    // Only the low half is the number.
    let kind = kind.try_into().map_or(0, |kind: u64| kind & 0xffff_ffff);
    if let Some((_, name)) = REMOTE.iter().find(|(number, _)| u64::from(*number) == kind) {
        return Some(Unfit::Remote(name));
    }
    if owner != user {
        return Some(match user_file::left_by_root(path) {
            Some(left) => Unfit::LeftByRoot(left),
            None => Unfit::Owner(owner),
        });
    }
    let mode = mode & 0o777;
    (mode & 0o022 != 0).then(|| Unfit::Mode { path: path.to_owned(), mode })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_of_one_s_own_on_a_local_disk_will_do() {
        const EXT4: i64 = 0xef53;
        let path = Path::new("/states");
        let told = |kind: i64, owner, mode| judge(path, kind, owner, mode, 1000).map(|unfit| unfit.to_string());
        assert_eq!(told(EXT4, 1000, 0o40700), None);
        assert_eq!(told(EXT4, 1000, 0o40755), None);
        assert!(told(EXT4, 1000, 0o40775).unwrap().contains("`chmod go-w /states`"));
        assert!(told(EXT4, 1000, 0o41777).unwrap().contains("mode 777"));
        assert!(told(EXT4, 1001, 0o40700).unwrap().contains("user 1001"));
        for (kind, name) in [(0x6969, "NFS"), (0xff53_4d42, "SMB"), (0x0102_1997, "9p"), (0x6573_5546, "FUSE")] {
            let text = told(kind, 1000, 0o40700).unwrap();
            assert!(text.contains(name) && text.contains("KIND_TEST_STATE_DIR"), "{text}");
        }
    }

    #[test]
    fn the_folder_itself_is_looked_at() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        check(folder.path()).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(check(folder.path()).unwrap_err().to_string().contains("chmod go-w"));
    }
}
