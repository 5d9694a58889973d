//! The files of this machine that an image has besides the program and its libraries.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{ImageError, root::normal};

/// Where distributions have all certificate authorities in one file: Debian, Fedora, SUSE, Alpine.
const CERTIFICATES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// Where an image has them.
pub(super) const IMAGE_CERTIFICATES: &str = CERTIFICATES[0];

/// This machine's certificate authorities.
pub(super) fn certificates() -> Result<PathBuf, ImageError> {
    first(CERTIFICATES.map(PathBuf::from).to_vec())
}

fn first(files: Vec<PathBuf>) -> Result<PathBuf, ImageError> {
    let found = files.iter().find(|file| file.is_file()).cloned();
    found.ok_or(ImageError::NoCertificates { files })
}

/// Each file by its path in the image; of a folder, all that is in it.
pub(super) fn expand(added: &BTreeMap<String, PathBuf>) -> Result<BTreeMap<String, PathBuf>, ImageError> {
    let mut files = BTreeMap::new();
    for (path, source) in added {
        add(&mut files, normal(path), source).map_err(ImageError::file("read", source))?;
    }
    Ok(files)
}

fn add(files: &mut BTreeMap<String, PathBuf>, path: String, source: &Path) -> io::Result<()> {
    if !fs::metadata(source)?.is_dir() {
        files.insert(path, source.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| io::Error::other(format!("{} is no text", name.display())))?;
        add(files, format!("{}/{name}", path.trim_end_matches('/')), &entry.path())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_all_that_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("deep/two"));
        fs::write(&one, "").unwrap();
        fs::write(&two, "").unwrap();
        let added = [("/srv/".to_owned(), folder.path().to_owned()), ("/etc/../one".to_owned(), one.clone())];
        let expected = [("/one", &one), ("/srv/deep/two", &two), ("/srv/one", &one)];
        let files = expand(&added.into()).unwrap();
        assert_eq!(files.iter().map(|(path, source)| (path.as_str(), source)).collect::<Vec<_>>(), expected);
        let error = expand(&[("/x".to_owned(), folder.path().join("none"))].into()).unwrap_err().to_string();
        assert!(error.starts_with("read ") && error.ends_with("/none"), "{error}");
    }

    #[test]
    fn without_certificates_it_is_said_where_they_were_looked_for() {
        let error = first(vec!["/nonexistent/a.crt".into(), "/nonexistent/b.crt".into()]).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/a.crt, /nonexistent/b.crt; install them"), "{error}");
    }
}
