//! A root file system to take files from, of this machine or of packages that were unpacked: its links stay inside.

use std::path::{Component, Path, PathBuf};

/// How many links lead to a file at most, as in the kernel.
const MOST_LINKS: usize = 40;

/// A root file system. Libraries of two roots never mix: they fit only one C library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Root(PathBuf);

impl Root {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Where a file of that path really is; `None` where there is none. Absolute links count from the root.
    pub(super) fn file(&self, path: &str) -> Option<PathBuf> {
        self.resolve(path).filter(|path| path.is_file())
    }

    /// The same for a folder.
    pub(super) fn folder(&self, path: &str) -> Option<PathBuf> {
        self.resolve(path).filter(|path| path.is_dir())
    }

    /// A path for people.
    pub(super) fn show(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    fn resolve(&self, path: &str) -> Option<PathBuf> {
        let mut left: Vec<PathBuf> = parts(Path::new(path));
        let (mut at, mut links) = (PathBuf::new(), 0);
        while let Some(part) = left.pop() {
            if part == Path::new("..") {
                at.pop();
                continue;
            }
            let next = at.join(&part);
            match std::fs::read_link(self.0.join(&next)) {
                Ok(target) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return None;
                    }
                    if target.is_absolute() {
                        at = PathBuf::new();
                    }
                    left.extend(parts(&target));
                }
                Err(_) => at = next,
            }
        }
        Some(self.0.join(at))
    }
}

/// What is between the slashes, the last first.
fn parts(path: &Path) -> Vec<PathBuf> {
    let meant = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    path.components().rev().filter(meant).map(|part| PathBuf::from(part.as_os_str())).collect()
}

/// A path without `.` and `..`, which begins with a slash.
pub(super) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn links_stay_inside() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("usr/lib/here")).unwrap();
        fs::write(at("usr/lib/here/one.so"), "").unwrap();
        symlink("usr/lib", at("lib")).unwrap();
        symlink("/lib/here/one.so", at("usr/two.so")).unwrap();
        symlink("../../../../../lib/here/one.so", at("three.so")).unwrap();
        symlink("/etc/passwd", at("outside")).unwrap();
        symlink("round", at("round")).unwrap();
        let root = Root::new(folder.path().to_owned());
        for path in ["/lib/here/one.so", "/usr/two.so", "three.so", "/usr/../lib/./here/one.so"] {
            assert_eq!(root.file(path), Some(at("usr/lib/here/one.so")), "{path}");
        }
        for path in ["/outside", "/round", "/lib/here", "/none"] {
            assert_eq!(root.file(path), None, "{path}");
        }
        assert_eq!(root.folder("/lib/here"), Some(at("usr/lib/here")));
    }

    #[test]
    fn a_path_is_made_plain() {
        assert_eq!(normal("/usr/bin/../lib//./x.so"), "/usr/lib/x.so");
        assert_eq!(normal("/../.."), "/");
    }
}
