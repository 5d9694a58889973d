//! Which files are the user's kubeconfig, by kubectl's rules.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::KubeconfigError;

/// The files that together are the user's kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeconfigFiles {
    /// In order of precedence; never empty.
    files: Vec<PathBuf>,
}

impl KubeconfigFiles {
    /// Finds them: `explicit` alone where given, else the files of the variable `KUBECONFIG`, else `~/.kube/config`.
    ///
    /// # Errors
    /// When none of the three is given.
    pub fn new(
        explicit: Option<&Path>,
        variable: Option<&OsStr>,
        home: Option<&Path>,
    ) -> Result<Self, KubeconfigError> {
        let given = |path: &&Path| !path.as_os_str().is_empty();
        if let Some(path) = explicit.filter(given) {
            return Ok(Self { files: vec![path.to_owned()] });
        }
        let mut files: Vec<PathBuf> = Vec::new();
        for path in variable.map(std::env::split_paths).into_iter().flatten() {
            if !path.as_os_str().is_empty() && !files.contains(&path) {
                files.push(path);
            }
        }
        if files.is_empty() {
            files.extend(home.filter(given).map(|home| home.join(".kube/config")));
        }
        if files.is_empty() { Err(KubeconfigError::NoFile) } else { Ok(Self { files }) }
    }

    /// All of them, in order of precedence.
    pub fn all(&self) -> &[PathBuf] {
        &self.files
    }

    /// Where a new entry goes: the first that exists, else the last.
    pub fn target(&self) -> &Path {
        let existing = self.files.iter().find(|path| path.exists());
        existing.or(self.files.last()).map_or(Path::new(""), PathBuf::as_path)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_explicit_file_wins_over_the_variable_and_that_over_home() {
        let files = |explicit: Option<&str>, variable: Option<&str>, home: Option<&str>| {
            KubeconfigFiles::new(explicit.map(Path::new), variable.map(OsStr::new), home.map(Path::new))
                .map(|files| files.all().iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(files(Some("/e"), Some("/a:/b"), Some("/h")).unwrap(), "/e");
        assert_eq!(files(None, Some(":/a::/b:/a"), Some("/h")).unwrap(), "/a /b");
        assert_eq!(files(None, Some(""), Some("/h")).unwrap(), "/h/.kube/config");
        assert!(matches!(files(Some(""), None, None), Err(KubeconfigError::NoFile)));
    }

    #[test]
    fn a_new_entry_goes_to_the_first_that_exists_else_to_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second, third] = ["1", "2", "3"].map(|name| folder.path().join(name));
        let variable = std::env::join_paths([&first, &second, &third]).unwrap();
        let files = KubeconfigFiles::new(None, Some(&variable), None).unwrap();
        assert_eq!(files.target(), third);
        fs::write(&second, "").unwrap();
        assert_eq!(files.target(), second);
    }
}
