//! Which files of the workspace the rules are about.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Folders below `tests/` whose files are inputs of tests and not ours to keep tidy.
const FIXTURES: [&str; 4] = ["ui", "expand", "golden", "fixtures"];

/// All files with that ending, relative to `root`, in order. Hidden folders, what cargo builds, and test inputs are left
/// out.
pub(super) fn files(root: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                if !is_left_out(&path) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_left_out(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let in_tests = folder.parent().is_some_and(|parent| parent.file_name().is_some_and(|name| name == "tests"));
    name.starts_with('.') || name == "target" || (in_tests && FIXTURES.contains(&&*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_inputs_and_built_files_are_left_out() {
        for folder in ["target", ".git", "macros/tests/ui", "harness/tests/golden"] {
            assert!(is_left_out(Path::new(folder)), "{folder}");
        }
        for folder in ["harness/src/ui", "tests", "harness/tests/live"] {
            assert!(!is_left_out(Path::new(folder)), "{folder}");
        }
    }
}
