//! Finds every file that a program needs to run, as its loader would: itself, its loader, its libraries and theirs.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
};

use super::{
    ImageError,
    elf::{Headers, Machine},
    folders::{Folders, fitting},
    root::{Root, normal},
};

/// The files of a program, by their paths in the image.
#[derive(Debug)]
pub(super) struct Needed {
    pub(super) machine: Machine,
    pub(super) files: BTreeMap<String, PathBuf>,
}

/// A folder with libraries: here, and in the image.
#[derive(Debug, Clone)]
enum Folder {
    /// The same path in both roots.
    OfRoot(String),
    /// Beside the file that names it.
    Beside { here: PathBuf, there: String },
}

/// A file whose needs are not known yet.
struct Unread {
    here: PathBuf,
    there: String,
    /// The folders of those that it is loaded for.
    inherited: Vec<Folder>,
}

/// Everything that the program at `here` needs, which is at `there` in the image. `added` is what the image has besides.
pub(super) fn needed(
    here: &Path,
    there: &str,
    root: &Root,
    added: &BTreeMap<String, PathBuf>,
) -> Result<Needed, ImageError> {
    // `$ORIGIN` is where the program really is.
    let here = here.canonicalize().map_err(ImageError::file("read", here))?;
    let program = Headers::of(&here)?;
    let machine = program.machine;
    let mut files = BTreeMap::from([(there.to_owned(), here.clone())]);
    let Some(loader) = program.loader else { return Ok(Needed { machine, files }) };
    let search = Search { root, machine, folders: Folders::of(&loader, machine, root), added };
    let mut known = BTreeSet::from([name_of(&loader)]);
    let found = search.loader(&loader).ok_or_else(|| search.nowhere(&loader, &here, &[]))?;
    files.insert(normal(&loader), found);
    let mut unread = VecDeque::from([Unread { here, there: there.to_owned(), inherited: Vec::new() }]);
    while let Some(file) = unread.pop_front() {
        let headers = Headers::of(&file.here)?;
        let own: Vec<Folder> = folders_of(&headers.inherited_path, &file).collect();
        let inherited = [own, file.inherited.clone()].concat();
        let mut told: Vec<Folder> = folders_of(&headers.run_path, &file).collect();
        if told.is_empty() {
            told.clone_from(&inherited);
        }
        for library in &headers.libraries {
            if !known.insert(name_of(library)) || search.folders.is_built_in(library) {
                continue;
            }
            let (here, there) =
                search.library(library, &told).ok_or_else(|| search.nowhere(library, &file.here, &told))?;
            files.insert(there.clone(), here.clone());
            unread.push_back(Unread { here, there, inherited: inherited.clone() });
        }
    }
    Ok(Needed { machine, files })
}

struct Search<'a> {
    root: &'a Root,
    machine: Machine,
    folders: Folders,
    added: &'a BTreeMap<String, PathBuf>,
}

impl Search<'_> {
    fn fitting(&self, path: &str) -> Option<PathBuf> {
        fitting(self.root, path, self.machine)
    }

    /// The program names its loader by its whole path.
    fn loader(&self, path: &str) -> Option<PathBuf> {
        let elsewhere = || {
            let mut all = self.folders.own.iter().chain(&self.folders.configured);
            all.find_map(|folder| self.fitting(&format!("{folder}/{}", name_of(path))))
        };
        self.fitting(path).or_else(elsewhere).or_else(|| self.added(path).map(|(here, _)| here))
    }

    /// Where a library is here, and where it is to be in the image.
    fn library(&self, library: &str, told: &[Folder]) -> Option<(PathBuf, String)> {
        if library.contains('/') {
            return Some((self.fitting(library)?, normal(library)));
        }
        let of_program = told.iter().find_map(|folder| match folder {
            Folder::OfRoot(folder) => {
                let path = format!("{folder}/{library}");
                Some((self.fitting(&path)?, normal(&path)))
            }
            Folder::Beside { here, there } => {
                let file = here.join(library);
                let fits = Headers::of(&file).is_ok_and(|headers| headers.machine == self.machine);
                fits.then(|| (file, normal(&format!("{there}/{library}"))))
            }
        });
        let configured = || {
            let mut all = self.folders.configured.iter();
            let file = all.find_map(|folder| self.fitting(&format!("{folder}/{library}")))?;
            Some((file, format!("{}/{library}", self.folders.home)))
        };
        let own = || {
            let paths = self.folders.own.iter().map(|folder| format!("{folder}/{library}"));
            paths.into_iter().find_map(|path| Some((self.fitting(&path)?, path)))
        };
        of_program.or_else(configured).or_else(own).or_else(|| self.added(library))
    }

    /// What the user says where it is.
    fn added(&self, library: &str) -> Option<(PathBuf, String)> {
        let named = self.added.iter().find(|(path, _)| name_of(path) == name_of(library));
        named.map(|(there, here)| (here.clone(), there.clone()))
    }

    fn nowhere(&self, library: &str, needed_by: &Path, told: &[Folder]) -> ImageError {
        let told = told.iter().map(|folder| match folder {
            Folder::OfRoot(folder) => self.root.show(folder),
            Folder::Beside { here, .. } => here.clone(),
        });
        let known = self.folders.configured.iter().chain(&self.folders.own).map(|folder| self.root.show(folder));
        ImageError::NoLibrary {
            library: name_of(library),
            needed_by: needed_by.to_owned(),
            architecture: self.machine.architecture(),
            folders: told.chain(known).collect(),
        }
    }
}

/// The folders that a file names. Those that depend on the working folder, or on what only the loader knows, are left out.
fn folders_of<'a>(said: &'a [String], file: &'a Unread) -> impl Iterator<Item = Folder> + 'a {
    said.iter().filter_map(|said| {
        let origin = said.strip_prefix("$ORIGIN").or_else(|| said.strip_prefix("${ORIGIN}"));
        match origin {
            Some(rest) if !rest.contains('$') => {
                let there = file.there.rsplit_once('/').map_or("", |(folder, _)| folder);
                let here = file.here.parent()?.join(rest.trim_start_matches('/'));
                Some(Folder::Beside { here, there: format!("{there}{rest}") })
            }
            None if said.starts_with('/') && !said.contains('$') => Some(Folder::OfRoot(said.clone())),
            _ => None,
        }
    })
}

fn name_of(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}
