//! Configuration files: reading them. What they mean is [`crate::spec`]'s work.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use kind_engine::MountKind;

use crate::{
    spec::{ClusterSpec, ConfigError, Manifest},
    yaml_text,
};

/// The largest file that is read: anything bigger is not a configuration.
const LARGEST: u64 = 1 << 20;

/// The largest manifest that is read.
const LARGEST_MANIFEST: u64 = 16 << 20;

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
    #[error("read the configuration {}: found {found}, expected UTF-8, or UTF-16 with a byte order mark, of at most 1 MiB", path.display())]
    NoText {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: &'static str,
    },
    /// A manifest that the configuration names is not one.
    #[error("read the manifest {path}: {problem}")]
    Manifest {
        /// The manifest's path.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The text is not a valid configuration.
    #[error(transparent)]
    Invalid(#[from] ConfigError),
}

/// Reads a v1alpha4 configuration file. Relative host paths in it are relative to its folder; where the text comes from a
/// pipe or a device, such as `/dev/stdin` or a shell's `<(…)`, to the working directory.
///
/// # Errors
/// When the file cannot be read, or with every mistake in it.
pub fn load(path: &Path) -> Result<ClusterSpec, ConfigFileError> {
    let unreadable = |source| ConfigFileError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    let is_file = file.metadata().map_err(unreadable)?.is_file();
    if is_file && !is_descriptor(&absolute) {
        return parse(file, path, &absolute);
    }
    let nowhere = std::path::absolute("configuration").map_err(unreadable)?;
    parse(file, path, &nowhere)
}

/// Whether a path stands for an open file of a process, as `/dev/stdin` does: it has a folder, and the text does not come
/// from there. `/dev/shm` is a folder of files.
fn is_descriptor(path: &Path) -> bool {
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Some(folder) = path.parent().and_then(|folder| folder.canonicalize().ok()) else { return false };
        if folder == Path::new("/dev") || folder.starts_with("/dev/fd") || folder.starts_with("/proc") {
            return true;
        }
        match path.read_link() {
            Ok(target) => path = folder.join(target),
            Err(_) => return false,
        }
    }
    false
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

/// Host paths of mounts that are not there on this machine, in words: the engine makes a folder in such a place, also where
/// a file was meant.
pub fn missing_host_paths(spec: &ClusterSpec) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    for (node, mount) in spec.nodes.iter().enumerate().flat_map(|(index, node)| {
        node.extra_mounts
            .iter()
            .enumerate()
            .map(move |(mount, it)| (format!("nodes[{index}].extraMounts[{mount}]"), it))
    }) {
        let MountKind::Host { path, .. } = &mount.kind else { continue };
        // What may not be looked at may be there.
        if matches!(Path::new(path).try_exists(), Ok(false)) {
            missing
                .push(format!("{node}: nothing is at {path} on this machine; the engine makes an empty folder there"));
        }
    }
    missing
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
    let text = yaml_text::decode(&bytes).map_err(|error| no_text(error.0))?;
    // A marker at the end begins no further document for anybody.
    let (first, rest) = yaml_text::first_document(&text);
    let text = if yaml_text::is_empty(rest) { first } else { &text };
    let spec = ClusterSpec::from_yaml(text, absolute);
    let mut spec = spec.map_err(|error| ConfigError { origin: name.to_owned(), ..error })?;
    for manifest in &mut spec.manifests {
        let content = read_manifest(&manifest.path);
        let refused = |problem| ConfigFileError::Manifest { path: manifest.path.clone(), problem };
        manifest.content = Some(content.map_err(refused)?);
    }
    Ok(spec)
}

fn read_manifest(path: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST_MANIFEST + 1).read_to_end(&mut bytes));
    if read.map_err(|error| error.to_string())? as u64 > LARGEST_MANIFEST {
        return Err("it is larger than 16 MiB".to_owned());
    }
    let text = yaml_text::decode(&bytes).map_err(|error| error.to_string())?;
    // Files that were put together have a mark in the middle, too.
    let text = text.replace("\n\u{feff}", "\n");
    Manifest::check(&text)?;
    Ok(text)
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
    fn a_pipe_or_an_open_file_is_relative_to_the_working_directory() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{HEAD}nodes: [{{extraMounts: [{{hostPath: ./data, containerPath: /data}}]}}]");
        let here = std::env::current_dir().unwrap().join("data").display().to_string();
        // What `--config <(…)` and a named pipe are.
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let writer = std::thread::spawn({
            let (pipe, text) = (pipe.clone(), text.clone());
            move || fs::write(pipe, text).unwrap()
        });
        assert_eq!(host_path(&load(&pipe).unwrap()), here);
        writer.join().unwrap();
        // What `--config /dev/stdin <FILE` is, and links to it.
        let file = folder.path().join("cluster.yaml");
        fs::write(&file, text).unwrap();
        let open = File::open(&file).unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&open);
        let link = folder.path().join("link.yaml");
        std::os::unix::fs::symlink(format!("/dev/fd/{number}"), &link).unwrap();
        for path in [format!("/dev/fd/{number}"), format!("/proc/self/fd/{number}"), link.display().to_string()] {
            assert_eq!(host_path(&load(Path::new(&path)).unwrap()), here, "{path}");
        }
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
    fn manifests_are_read_and_checked_with_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cluster.yaml");
        fs::write(&file, "kind: Cluster\napiVersion: kind-rs.io/v1alpha1\nmanifests: [./app.yaml]\n").unwrap();
        let path = folder.path().join("app.yaml").display().to_string();
        let refused = |words: &str| {
            let text = load(&file).unwrap_err().to_string();
            assert!(text.contains(&path) && text.contains(words), "{text}");
        };
        refused("No such file");
        fs::write(&path, "kind: Namespace").unwrap();
        refused("document 1 has no `apiVersion`");
        let content = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n";
        fs::write(&path, content).unwrap();
        let expected = [Manifest { path: path.clone(), content: Some(content.to_owned()) }];
        assert_eq!(load(&file).unwrap().manifests, expected);
        fs::write(&path, format!("\u{feff}{content}")).unwrap();
        assert_eq!(load(&file).unwrap().manifests, expected);
        fs::write(&path, utf_16(content)).unwrap();
        assert_eq!(load(&file).unwrap().manifests, expected);
        fs::write(&path, format!("\u{feff}{content}---\n\u{feff}{content}---\n")).unwrap();
        assert_eq!(load(&file).unwrap().manifests[0].content, Some(format!("{content}---\n{content}---\n")));
        fs::write(&path, b"caf\xe9").unwrap();
        refused("found other bytes");
    }

    fn utf_16(text: &str) -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn marks_and_markers_around_a_configuration_do_not_matter() {
        let load = |bytes: &[u8]| load_stream(bytes, Path::new("x")).map_err(|error| error.to_string());
        let text = format!("{HEAD}name: a\n");
        for bytes in [
            format!("\u{feff}{text}").into_bytes(),
            format!("\u{feff}---\n{text}---\n").into_bytes(),
            format!("# x\n--- # y\n{text}...\n# z\n").into_bytes(),
            text.replace('\n', "\r\n").into_bytes(),
            utf_16(&text),
        ] {
            assert_eq!(load(&bytes).unwrap().name.as_deref(), Some("a"), "{bytes:?}");
        }
        // Two that say something are a mistake, and so is a place that is counted wrongly.
        assert!(load(format!("{text}---\n{text}").as_bytes()).unwrap_err().contains("more than one document"));
        let wrong = load(format!("\u{feff}---\n{text}nodez: 5\n---\n").as_bytes()).unwrap_err();
        assert!(wrong.contains("5:1"), "{wrong}");
    }

    #[test]
    fn host_paths_that_are_not_there_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cluster.yaml");
        let mounts = "[{hostPath: ./cluster.yaml, containerPath: /a}, {hostPath: ./no, containerPath: /b}]";
        fs::write(&file, format!("{HEAD}nodes: [{{extraMounts: {mounts}}}]")).unwrap();
        let expected = format!(
            "nodes[0].extraMounts[1]: nothing is at {} on this machine; the engine makes an empty folder there",
            folder.path().join("no").display()
        );
        assert_eq!(missing_host_paths(&load(&file).unwrap()), [expected]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let absent = load(&folder.path().join("absent.yaml")).unwrap_err();
        assert!(absent.to_string().ends_with("absent.yaml"), "{absent}");
        assert!(matches!(load(folder.path()), Err(ConfigFileError::Unreadable { .. })));
        let bytes = load_stream(&[b'a', 0xff][..], Path::new("x")).unwrap_err().to_string();
        assert!(bytes.contains("found other bytes, expected UTF-8"), "{bytes}");
        let flood = load_stream(io::repeat(b'#'), Path::new("x")).unwrap_err().to_string();
        assert!(flood.contains("found more"), "{flood}");
    }
}
