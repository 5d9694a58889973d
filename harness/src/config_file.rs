//! Configuration files: reading them. What they mean is [`crate::spec`]'s work.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::spec::{ClusterSpec, ConfigError};

/// The largest file that is read: anything bigger is not a configuration.
const LARGEST: u64 = 1 << 20;

/// A configuration file that gives no cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigFileError {
    /// The file cannot be read.
    #[error("read the configuration {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The file is no text of a sensible length.
    #[error("read the configuration {}: found {found}, expected UTF-8 text of at most 1 MiB", path.display())]
    NoText {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: &'static str,
    },
    /// The text is not a valid configuration.
    #[error(transparent)]
    Invalid(#[from] ConfigError),
}

/// Reads a v1alpha4 configuration file. Relative host paths in it are relative to its folder.
///
/// # Errors
/// When the file cannot be read, or with every mistake in it.
pub fn load(path: &Path) -> Result<ClusterSpec, ConfigFileError> {
    let unreadable = |source| ConfigFileError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    parse(file, path, &absolute)
}

/// Reads a configuration from an open stream, which errors call `name`. Relative host paths are relative to the
/// working directory.
///
/// # Errors
/// When the stream cannot be read, or with every mistake in it.
pub fn load_stream(stream: impl Read, name: &Path) -> Result<ClusterSpec, ConfigFileError> {
    let absolute =
        std::path::absolute(name).map_err(|source| ConfigFileError::Unreadable { path: name.to_owned(), source })?;
    parse(stream, name, &absolute)
}

/// `name` is what the user wrote and reads in errors; `absolute` is where relative paths begin.
fn parse(stream: impl Read, name: &Path, absolute: &Path) -> Result<ClusterSpec, ConfigFileError> {
    let no_text = |found| ConfigFileError::NoText { path: name.to_owned(), found };
    let mut bytes = Vec::new();
    let read = stream.take(LARGEST + 1).read_to_end(&mut bytes);
    let length = read.map_err(|source| ConfigFileError::Unreadable { path: name.to_owned(), source })?;
    if length as u64 > LARGEST {
        return Err(no_text("more"));
    }
    let text = String::from_utf8(bytes).map_err(|_| no_text("other bytes"))?;
    let spec = ClusterSpec::from_yaml(&text, absolute);
    Ok(spec.map_err(|error| ConfigError { origin: name.to_owned(), ..error })?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const HEAD: &str = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n";

    fn host_path(spec: &ClusterSpec) -> String {
        match &spec.nodes[0].extra_mounts[0].kind {
            kind_engine::MountKind::Host { path, .. } => path.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn host_paths_are_relative_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cluster.yaml");
        fs::write(&file, format!("{HEAD}nodes: [{{extraMounts: [{{hostPath: ./data, containerPath: /data}}]}}]"))
            .unwrap();
        assert_eq!(host_path(&load(&file).unwrap()), folder.path().join("data").display().to_string());
    }

    #[test]
    fn a_stream_is_relative_to_the_working_directory_and_keeps_its_name() {
        let text = format!("{HEAD}nodes: [{{extraMounts: [{{hostPath: data, containerPath: /data}}]}}]");
        let spec = load_stream(text.as_bytes(), Path::new("standard input")).unwrap();
        assert_eq!(host_path(&spec), std::env::current_dir().unwrap().join("data").display().to_string());
        let error = load_stream(&b"kind: Cluster"[..], Path::new("standard input")).unwrap_err().to_string();
        assert!(error.starts_with("configuration standard input: 1 mistake"), "{error}");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let absent = load(&folder.path().join("absent.yaml")).unwrap_err();
        assert!(absent.to_string().ends_with("absent.yaml"), "{absent}");
        assert!(matches!(load(folder.path()), Err(ConfigFileError::Unreadable { .. })));
        let bytes = load_stream(&[0xff, 0xfe][..], Path::new("x")).unwrap_err().to_string();
        assert!(bytes.contains("UTF-8"), "{bytes}");
        let flood = load_stream(io::repeat(b'#'), Path::new("x")).unwrap_err().to_string();
        assert!(flood.contains("found more"), "{flood}");
    }
}
