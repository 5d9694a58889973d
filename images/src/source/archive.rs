//! The archive of a release's programs: what is taken from it, and what shows that it is one.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use flate2::read::GzDecoder;

use super::{SourceError, tag::version_of, version::is_version};

/// The folder with the programs.
const FOLDER: &str = "kubernetes/server/bin";
/// The file with the version, as the tag of the images in the archive.
const VERSION: &str = "kube-apiserver.docker_tag";

/// The programs of Kubernetes that a node image has.
pub(crate) const PROGRAMS: [&str; 7] =
    ["kubeadm", "kubelet", "kubectl", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"];

/// Takes the programs out of the archive into a folder, and returns the version.
pub(super) fn unpack(path: &Path, folder: &Path) -> Result<String, SourceError> {
    let damaged = |source| SourceError::Damaged { path: path.to_owned(), source };
    let incomplete = |missing: &str| SourceError::Incomplete { path: path.to_owned(), missing: missing.to_owned() };
    let file =
        File::open(path).map_err(|source| SourceError::File { action: "read", path: path.to_owned(), source })?;
    let (mut found, mut version) = (Vec::new(), None);
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let inside = entry.path().map_err(damaged)?.into_owned();
        let Ok(name) = inside.strip_prefix(FOLDER) else { continue };
        if !entry.header().entry_type().is_file() {
            continue;
        }
        if name == Path::new(VERSION) {
            let mut text = String::new();
            entry.read_to_string(&mut text).map_err(damaged)?;
            version = Some(version_of(&text));
        } else if let Some(program) = PROGRAMS.iter().find(|program| name == Path::new(program)) {
            write(&mut entry, &folder.join(program)).map_err(damaged)?;
            found.push(*program);
        }
    }
    // The checksum of the stream stands behind the last file.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(damaged)?;
    if let Some(missing) = PROGRAMS.iter().find(|program| !found.contains(program)) {
        return Err(incomplete(missing));
    }
    let version = version.ok_or_else(|| incomplete(VERSION))?;
    if !is_version(&version) {
        return Err(SourceError::Version { text: version });
    }
    for program in PROGRAMS {
        check_machine(&folder.join(program), path)?;
    }
    Ok(version)
}

fn write(program: &mut impl io::Read, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o755).open(path)?;
    io::copy(program, &mut file).map(drop)
}

/// Fails where a program is not for this machine.
fn check_machine(program: &Path, archive: &Path) -> Result<(), SourceError> {
    let mut head = Vec::new();
    File::open(program).and_then(|file| file.take(20).read_to_end(&mut head)).map_err(|source| SourceError::File {
        action: "read",
        path: program.to_owned(),
        source,
    })?;
    if head.starts_with(b"\x7fELF") && head.get(18..20) == Some(&machine()) {
        return Ok(());
    }
    Err(SourceError::OtherMachine { path: archive.to_owned(), wanted: crate::archive::go_architecture() })
}

/// This machine's number in the head of a program (ELF's `e_machine`, little endian).
fn machine() -> [u8; 2] {
    match std::env::consts::ARCH {
        "aarch64" => [0xb7, 0],
        _ => [0x3e, 0],
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::archive::Layer;

    /// A program that does nothing, of this machine.
    fn program(machine: [u8; 2]) -> Vec<u8> {
        let mut bytes = b"\x7fELF".to_vec();
        bytes.resize(18, 0);
        bytes.extend(machine);
        // Not compressible, so that cutting the archive cuts a program.
        bytes.extend((0_u32..4096).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()));
        bytes
    }

    fn archive(folder: &Path, without: &str, machine: [u8; 2], tag: &str) -> std::path::PathBuf {
        let path = folder.join("a.tar.gz");
        let mut layer = Layer::new(GzEncoder::new(File::create(&path).unwrap(), Compression::fast()));
        for name in PROGRAMS.into_iter().filter(|name| *name != without) {
            layer.file(&format!("{FOLDER}/{name}"), 0o755, &program(machine)).unwrap();
        }
        layer.file(&format!("{FOLDER}/{VERSION}"), 0o644, tag.as_bytes()).unwrap();
        layer.file(&format!("{FOLDER}/kube-apiserver.tar"), 0o644, b"an image").unwrap();
        layer.finish().unwrap().finish().unwrap();
        path
    }

    /// A whole archive of this machine's.
    pub(crate) fn whole(folder: &Path, tag: &str) -> std::path::PathBuf {
        archive(folder, "", machine(), tag)
    }

    #[test]
    fn programs_and_version_are_taken_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), "", machine(), "v1.38.0-alpha.1.5_0123abc\n");
        assert_eq!(unpack(&path, folder.path()).unwrap(), "v1.38.0-alpha.1.5+0123abc");
        assert_eq!(fs::read(folder.path().join("kubelet")).unwrap(), program(machine()));
        assert!(!folder.path().join("kube-apiserver.tar").exists());
    }

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), "kube-proxy", machine(), "v1.37.2");
        let error = unpack(&path, folder.path()).unwrap_err();
        assert!(matches!(&error, SourceError::Incomplete { missing, .. } if missing == "kube-proxy"), "{error}");
    }

    #[test]
    fn a_truncated_archive_is_refused_wherever_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), "", machine(), "v1.37.2");
        let whole = fs::read(&path).unwrap();
        for end in [0, 1, 100, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
            fs::write(&path, &whole[..end]).unwrap();
            let error = unpack(&path, folder.path()).unwrap_err();
            assert!(matches!(error, SourceError::Damaged { .. }), "{end} of {}: {error}", whole.len());
        }
    }

    #[test]
    fn a_damaged_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), "", machine(), "v1.37.2");
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(unpack(&path, folder.path()), Err(SourceError::Damaged { .. })));
    }

    #[test]
    fn programs_of_another_machine_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), "", [0x16, 0], "v1.37.2");
        assert!(matches!(unpack(&path, folder.path()), Err(SourceError::OtherMachine { .. })));
    }

    #[test]
    fn a_version_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), "", machine(), "latest");
        assert!(matches!(unpack(&path, folder.path()), Err(SourceError::Version { text }) if text == "latest"));
    }
}
