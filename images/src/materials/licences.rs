//! The texts of licences, each once, and where they lie in an image.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use crate::digest::sha256;

/// Where they lie in an image.
pub(super) const FOLDER: &str = "/usr/share/doc/kind-rs/licences";
/// How files with licences are called, whatever follows.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];
/// A longer file is none.
const LIMIT: u64 = 1 << 20;

/// Texts by their paths in the image.
#[derive(Debug, Default)]
pub(super) struct Licences(pub(super) BTreeMap<String, Vec<u8>>);

impl Licences {
    /// Takes the texts in a module's folder, and returns where they lie in the image.
    pub(super) fn take(&mut self, folder: &Path) -> io::Result<Vec<String>> {
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().to_uppercase();
            let is_code = entry.path().extension().is_some_and(|extension| extension == "go");
            let is_licence = NAMES.iter().any(|start| name.starts_with(start)) && !is_code;
            let metadata = entry.metadata()?;
            if is_licence && metadata.is_file() && metadata.len() <= LIMIT {
                paths.push(entry.path());
            }
        }
        paths.sort();
        paths.iter().map(|path| self.add(path)).collect()
    }

    /// Takes one text.
    pub(super) fn add(&mut self, path: &Path) -> io::Result<String> {
        let text = fs::read(path)?;
        let place = format!("{FOLDER}/{}", &sha256(&text)[..16]);
        self.0.insert(place.clone(), text);
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_several_modules_is_there_once() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("a/LICENSE", "do what you like");
        put("a/NOTICE.txt", "by a");
        put("a/license.go", "package a");
        put("a/README.md", "read this");
        put("b/COPYING", "do what you like");
        let mut licences = Licences::default();
        let of_a = licences.take(&folder.path().join("a")).unwrap();
        let of_b = licences.take(&folder.path().join("b")).unwrap();
        assert_eq!(of_a.len(), 2);
        assert_eq!(of_b, [of_a[0].clone()]);
        assert_eq!(licences.0.len(), 2);
        assert!(of_a[0].starts_with(FOLDER));
    }
}
