//! Files and folders of manifests.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use kind_core::{user_file, yaml_text};

use super::{
    ApplyError,
    items::{Item, from_json, from_yaml, refused},
};

const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// The objects of a file, or of the files that are right in a folder, in the order of their names.
pub(crate) fn from_path(path: &Path) -> Result<Vec<Item>, ApplyError> {
    let unread = |source: io::Error| ApplyError::Read { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(unread)?.is_dir() {
        let items = from_file(path)?;
        return if items.is_empty() {
            Err(refused(&path.display().to_string(), "found no object in it"))
        } else {
            Ok(items)
        };
    }
    let entries = fs::read_dir(path).map_err(unread)?;
    let files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>();
    let mut files = files.map_err(unread)?;
    files.retain(|file| is_manifest(file) && !file.is_dir());
    files.sort();
    let mut items = Vec::new();
    for file in files {
        items.extend(from_file(&file)?);
    }
    if items.is_empty() { Err(ApplyError::EmptyFolder { path: path.to_owned() }) } else { Ok(items) }
}

fn is_manifest(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
}

fn from_file(path: &Path) -> Result<Vec<Item>, ApplyError> {
    let bytes = user_file::read(path).map_err(|source| ApplyError::Read { path: path.to_owned(), source })?;
    let place = path.display().to_string();
    let text = yaml_text::decode(&bytes).map_err(|error| refused(&place, error))?;
    if path.extension().is_some_and(|ending| ending == "json") {
        from_json(&place, &text)
    } else {
        from_yaml(&place, &text)
    }
}
