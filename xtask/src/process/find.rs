//! Finding a program on a search path. Does not run it.

use std::{
    env,
    ffi::OsStr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Folders of system programs, which a plain user's search path often lacks.
const SYSTEM: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The program of that name on `path` or in the system's folders.
pub fn find_program(path: &OsStr, name: &str) -> Option<PathBuf> {
    let system = SYSTEM.iter().map(PathBuf::from);
    env::split_paths(path).chain(system).map(|folder| folder.join(name)).find(|file| is_executable(file))
}

/// Whether there is a program of that name.
pub fn has_program(path: &OsStr, name: &str) -> bool {
    find_program(path, name).is_some()
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_executable_files_are_programs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("surely-not-a-program-elsewhere");
        fs::write(&file, "").unwrap();
        let path = folder.path().as_os_str();
        assert_eq!(find_program(path, "surely-not-a-program-elsewhere"), None);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find_program(path, "surely-not-a-program-elsewhere"), Some(file));
    }
}
