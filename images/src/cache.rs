//! The cache folder: results of finished steps under the digest of their inputs, logs, and unfinished work.
//!
//! A result appears by rename, whole or not at all, so a build that was killed leaves nothing that looks finished.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use crate::{BuildError, BuildOptions, Step};

/// The cache folder, locked for this build.
pub(crate) struct Cache {
    root: PathBuf,
    // The kernel lets go of it when this process ends, however it ends.
    _lock: File,
}

/// A result in the making: a folder to write into.
pub(crate) struct Unfinished {
    /// Where to write.
    pub(crate) folder: PathBuf,
    result: PathBuf,
    step: Step,
}

impl Cache {
    /// Opens the folder of these options and waits for any other build in it to end.
    pub(crate) async fn open(options: &BuildOptions, step: Step) -> Result<Self, BuildError> {
        let root = &options.cache;
        for name in ["results", "logs", "work"] {
            let folder = root.join(name);
            fs::create_dir_all(&folder).map_err(file(step, "create the folder", &folder))?;
        }
        let path = root.join("lock");
        let lock = File::options().create(true).append(true).open(&path).map_err(file(step, "open", &path))?;
        let locked = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock));
        let locked = options.stop.run_until_cancelled(locked).await.ok_or(BuildError::Stopped { step })?;
        let lock = locked.map_err(io::Error::other).flatten().map_err(file(step, "lock", &path))?;
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The log of a step.
    pub(crate) fn log(&self, step: Step) -> PathBuf {
        self.root.join("logs").join(format!("{}.log", step.slug()))
    }

    /// A folder that outlives a killed build, so that what it fetched is not fetched again.
    pub(crate) fn work(&self, name: &str, step: Step) -> Result<PathBuf, BuildError> {
        let folder = self.root.join("work").join(name);
        fs::create_dir_all(&folder).map_err(file(step, "create the folder", &folder))?;
        Ok(folder)
    }

    /// The result of that name, where an earlier build finished it.
    pub(crate) fn result(&self, name: &str) -> Option<PathBuf> {
        let folder = self.root.join("results").join(name);
        folder.is_dir().then_some(folder)
    }

    /// Begins a result; what a killed build left of it goes away.
    pub(crate) fn begin(&self, name: &str, step: Step) -> Result<Unfinished, BuildError> {
        let folder = self.root.join("work").join(format!("{name}.partial"));
        remove(&folder).map_err(file(step, "remove", &folder))?;
        fs::create_dir_all(&folder).map_err(file(step, "create the folder", &folder))?;
        Ok(Unfinished { folder, result: self.root.join("results").join(name), step })
    }

    /// Drops every other result: those of earlier inputs, and those that only led to an image that is there now.
    pub(crate) fn keep_only(&self, names: &[String], step: Step) -> Result<(), BuildError> {
        let results = self.root.join("results");
        for entry in fs::read_dir(&results).map_err(file(step, "list", &results))? {
            let path = entry.map_err(file(step, "list", &results))?.path();
            if !names.iter().any(|name| path.ends_with(name)) {
                remove(&path).map_err(file(step, "remove", &path))?;
            }
        }
        Ok(())
    }
}

impl Unfinished {
    /// Makes it a result under another name, known only now; one of that name is the same.
    pub(crate) fn finish_as(mut self, cache: &Cache, name: &str) -> Result<PathBuf, BuildError> {
        self.result = self.result.with_file_name(name);
        match cache.result(name) {
            Some(result) => {
                remove(&self.folder).map_err(file(self.step, "remove", &self.folder))?;
                Ok(result)
            }
            None => self.finish(),
        }
    }

    /// Makes it a result.
    pub(crate) fn finish(self) -> Result<PathBuf, BuildError> {
        fs::rename(&self.folder, &self.result).map_err(file(self.step, "rename to its final name", &self.folder))?;
        Ok(self.result)
    }
}

/// Removes a folder, which need not exist.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Turns an I/O error into the step's.
pub(crate) fn file(step: Step, action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    let path = path.to_owned();
    move |source| BuildError::File { step, action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_result_is_there_only_once_finished() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&BuildOptions::new(folder.path()), Step::Etcd).await.unwrap();
        let killed = cache.begin("etcd-1", Step::Etcd).unwrap();
        fs::write(killed.folder.join("half"), "half").unwrap();
        assert_eq!(cache.result("etcd-1"), None);
        let again = cache.begin("etcd-1", Step::Etcd).unwrap();
        assert!(!again.folder.join("half").exists(), "the killed build's leftovers are still there");
        fs::write(again.folder.join("etcd"), "whole").unwrap();
        let result = again.finish().unwrap();
        assert_eq!(cache.result("etcd-1"), Some(result.clone()));
        assert_eq!(fs::read_to_string(result.join("etcd")).unwrap(), "whole");
    }

    #[tokio::test]
    async fn results_of_earlier_inputs_go_away() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&BuildOptions::new(folder.path()), Step::Etcd).await.unwrap();
        for name in ["etcd-1", "etcd-2"] {
            cache.begin(name, Step::Etcd).unwrap().finish().unwrap();
        }
        cache.keep_only(&["etcd-2".to_owned()], Step::Etcd).unwrap();
        assert_eq!(cache.result("etcd-1"), None);
        assert!(cache.result("etcd-2").is_some());
    }

    #[tokio::test]
    async fn two_builds_do_not_share_a_folder_at_the_same_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Cache::open(&BuildOptions::new(folder.path()), Step::Base).await.unwrap();
        let other = File::options().append(true).open(folder.path().join("lock")).unwrap();
        assert!(other.try_lock().is_err());
        drop(first);
        // Waits: a program that another test starts right now may hold a copy of the file for a moment.
        other.lock().unwrap();
    }
}
