//! Finds every file that a program needs to run: itself, its loader, its libraries and theirs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::{archive::Layer, elf};

/// Folders that a loader looks into without being told, as the distributions have them.
#[cfg(target_arch = "aarch64")]
const LIBRARY_FOLDERS: [&str; 6] =
    ["lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu", "lib64", "usr/lib64", "lib", "usr/lib"];
#[cfg(not(target_arch = "aarch64"))]
const LIBRARY_FOLDERS: [&str; 6] =
    ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib64", "lib", "usr/lib"];

/// A root file system to take libraries from. Libraries of two roots never mix: they fit only one C library.
pub(super) struct Root(PathBuf);

impl Root {
    /// The running machine's own files.
    pub(super) fn of_this_machine() -> Self {
        Self(PathBuf::from("/"))
    }

    /// Unpacked packages, complete with their C library.
    pub(super) fn of_packages(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The program under the name that it has in the image, with everything that it needs.
    pub(super) fn with_libraries(&self, program: &Path, name: &str) -> anyhow::Result<ProgramFiles> {
        let mut files = BTreeMap::from([(name.to_owned(), program.to_owned())]);
        let mut unread = vec![program.to_owned()];
        while let Some(file) = unread.pop() {
            let content = std::fs::read(&file).with_context(|| format!("read {}", file.display()))?;
            let needs = elf::Needs::of(&content).with_context(|| file.display().to_string())?;
            let libraries = needs.libraries.iter().map(|library| (None, library.as_str()));
            // The program names its loader by its whole path; packages may have it as a link out of their folder.
            let loader = needs.loader.iter().map(|path| (Some(path), path.rsplit('/').next().unwrap_or(path)));
            for (place, library) in libraries.chain(loader) {
                let found = self.find(library).with_context(|| format!("needed by {}", file.display()))?;
                let place = place.cloned().unwrap_or_else(|| format!("/{found}"));
                let source = self.0.join(&found);
                if files.insert(place, source.clone()).is_none() {
                    unread.push(source);
                }
            }
        }
        Ok(ProgramFiles { program: program.to_owned(), files })
    }

    /// A library's path relative to the root.
    fn find(&self, library: &str) -> anyhow::Result<String> {
        let candidates = LIBRARY_FOLDERS.iter().map(|folder| format!("{folder}/{library}"));
        candidates
            .into_iter()
            .find(|candidate| self.0.join(candidate).is_file())
            .with_context(|| format!("{library} is in no library folder of {}", self.0.display()))
    }
}

/// The files of one program, by their paths in the image.
pub(super) struct ProgramFiles {
    program: PathBuf,
    files: BTreeMap<String, PathBuf>,
}

impl ProgramFiles {
    /// The files of this machine that the image is made from.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Path> {
        self.files.values().map(PathBuf::as_path)
    }

    /// Reads every file into the layer.
    pub(super) fn add_to(&self, layer: &mut Layer) -> anyhow::Result<()> {
        for (name, source) in &self.files {
            let mut content = std::fs::read(source).with_context(|| format!("read {}", source.display()))?;
            if *source == self.program {
                content = elf::loaded_part(content)?;
            }
            layer.add_program(name, content);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_program_comes_with_its_loader_and_the_c_library() {
        let program = std::env::current_exe().unwrap();
        let files = Root::of_this_machine().with_libraries(&program, "/usr/bin/this").unwrap();
        assert_eq!(files.files["/usr/bin/this"], program);
        let names: Vec<&str> = files.files.keys().map(String::as_str).collect();
        assert!(names.iter().any(|name| name.contains("/ld-linux")), "{names:?}");
        assert!(names.iter().any(|name| name.contains("/libc.so")), "{names:?}");
    }

    #[test]
    fn a_missing_library_is_named_with_who_needs_it() {
        let empty = tempfile::tempdir().unwrap();
        let program = std::env::current_exe().unwrap();
        let root = Root::of_packages(empty.path().to_owned());
        let Err(error) = root.with_libraries(&program, "/this") else { panic!("nothing was missing") };
        let text = format!("{error:#}");
        assert!(text.contains("needed by") && text.contains("is in no library folder of"), "{text}");
    }
}
