//! A folder that has an export already: the two must not be mixed, and nobody's files may go.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::LogsError;

/// The files that say that a folder is an export: ours, and the real kind's.
const MARKS: [&str; 2] = ["kind-rs-version.txt", "kind-version.txt"];
/// What else lies beside the folders of nodes.
const BESIDE: [&str; 4] = ["docker-info.json", "docker-info.txt", "missing.txt", "cluster"];
/// What every node's folder has, in ours or in the real kind's.
const OF_NODES: [&str; 2] = ["inspect.json", "serial.log"];

/// Moves an older export in this folder into a new folder below it, and says which. Whatever else is in the folder stays
/// where it is.
///
/// # Errors
/// When the folder cannot be read or changed.
pub fn move_older(folder: &Path) -> Result<Option<PathBuf>, LogsError> {
    let failed = |source| LogsError::Folder { folder: folder.to_owned(), source };
    if !MARKS.iter().any(|mark| folder.join(mark).is_file()) {
        return Ok(None);
    }
    let older = unused(folder).map_err(failed)?;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_name() else { continue };
        let is_named = MARKS.iter().chain(&BESIDE).any(|known| name == *known);
        if is_named || OF_NODES.iter().any(|file| path.join(file).is_file()) {
            fs::rename(&path, older.join(name)).map_err(failed)?;
        }
    }
    Ok(Some(older))
}

/// Makes the first of `older-1`, `older-2` … that is not there.
fn unused(folder: &Path) -> io::Result<PathBuf> {
    let mut number = 1;
    loop {
        let path = folder.join(format!("older-{number}"));
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            made => return made.map(|()| path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn export(folder: &Path, mark: &str, node: &str) {
        fs::create_dir_all(folder.join(node)).unwrap();
        fs::write(folder.join(mark), "").unwrap();
        fs::write(folder.join(node).join("serial.log"), "").unwrap();
    }

    #[test]
    fn older_exports_are_moved_and_other_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::write(folder.join("mine.txt"), "").unwrap();
        fs::create_dir(folder.join("photos")).unwrap();
        assert_eq!(move_older(folder).unwrap(), None);
        export(folder, "kind-rs-version.txt", "a-worker");
        fs::write(folder.join("missing.txt"), "").unwrap();
        assert_eq!(move_older(folder).unwrap(), Some(folder.join("older-1")));
        assert_eq!(names(folder), ["mine.txt", "older-1", "photos"]);
        assert_eq!(names(&folder.join("older-1")), ["a-worker", "kind-rs-version.txt", "missing.txt"]);
        export(folder, "kind-version.txt", "b-control-plane");
        assert_eq!(move_older(folder).unwrap(), Some(folder.join("older-2")));
        assert_eq!(names(folder), ["mine.txt", "older-1", "older-2", "photos"]);
        assert_eq!(move_older(&folder.join("absent")).unwrap(), None);
    }
}
