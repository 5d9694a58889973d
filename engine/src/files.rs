//! Files on their way into a container, and the tar stream that carries them.

use std::io;

/// A file to write into a container.
#[derive(Clone, PartialEq, Eq)]
pub struct NodeFile {
    /// The absolute path in the container.
    pub path: String,
    /// The content.
    pub content: Vec<u8>,
    /// Permission bits, such as `0o600`.
    pub mode: u32,
}

impl std::fmt::Debug for NodeFile {
    // The content may be a private key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NodeFile({}, {:o}, {} bytes)", self.path, self.mode, self.content.len())
    }
}

impl NodeFile {
    /// A file that everybody may read.
    pub fn public(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), content: content.into(), mode: 0o644 }
    }

    /// A file that only root may read.
    pub fn secret(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), content: content.into(), mode: 0o600 }
    }

    /// A program.
    pub fn executable(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), content: content.into(), mode: 0o755 }
    }
}

/// The files as one tar stream with paths relative to `/`, owned by root. Parent folders are left to the unpacking side.
pub(crate) fn tar_of(files: &[NodeFile]) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.content.len() as u64);
        header.set_mode(file.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        tar.append_data(&mut header, file.path.trim_start_matches('/'), file.content.as_slice())?;
    }
    tar.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tar_keeps_paths_modes_and_content() {
        let bytes =
            tar_of(&[NodeFile::secret("/etc/kubernetes/pki/ca.key", "key"), NodeFile::public("/a", "b")]).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let found: Vec<(String, u32, u64)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let path = entry.path().unwrap().display().to_string();
                (path, entry.header().mode().unwrap(), entry.size())
            })
            .collect();
        assert_eq!(found, [("etc/kubernetes/pki/ca.key".into(), 0o600, 3), ("a".into(), 0o644, 1)]);
    }

    #[test]
    fn debug_does_not_show_content() {
        assert_eq!(format!("{:?}", NodeFile::secret("/k", "secret")), "NodeFile(/k, 600, 6 bytes)");
    }
}
