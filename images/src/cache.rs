//! The cache folder: results of finished steps under the digest of their inputs, logs, and unfinished work.
//!
//! A result appears by rename, whole and on the disk, or not at all: neither a killed build nor a power loss leaves anything that
//! looks finished.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{BuildError, BuildOptions, Progress, Step, digest::Digest};

/// How long a result stays that no build and no run of this version wants: another version may use it meanwhile.
const UNUSED: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long a log may get before it begins anew.
const LOG_LIMIT: u64 = 16 << 20;

/// The cache folder, locked for this build.
pub(crate) struct Cache {
    root: PathBuf,
    identity: String,
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
    /// Opens the folder of these options. Where another build is at work in it, says so and waits for its end.
    pub(crate) async fn open(options: &BuildOptions, step: Step, progress: &dyn Progress) -> Result<Self, BuildError> {
        let root = std::path::absolute(&options.cache).map_err(file(step, "find the folder", &options.cache))?;
        for name in ["results", "logs", "work"] {
            let folder = root.join(name);
            fs::create_dir_all(&folder).map_err(file(step, "create the folder", &folder))?;
        }
        let path = root.join("lock");
        let mut lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(file(step, "open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(file(step, "lock", &path)(error)),
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&mut lock);
                progress.note(&format!("waiting for another build in {}: {holder}", root.display()));
                let locked = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock));
                let locked = options.stop.run_until_cancelled(locked).await.ok_or(BuildError::Stopped { step })?;
                lock = locked.map_err(io::Error::other).flatten().map_err(file(step, "lock", &path))?;
            }
        }
        sign(&mut lock).map_err(file(step, "write", &path))?;
        let identity = root.join("identity");
        let identity = identity_of(&identity).map_err(file(step, "read or make", &identity))?;
        let cache = Self { root, identity, _lock: lock };
        cache.shorten_logs().map_err(file(step, "shorten the logs in", &cache.root))?;
        Ok(cache)
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What tells this folder apart from every other one, those with the same path on other file systems and copies of it
    /// included. Who sees a container with it, and holds the lock, knows that nobody uses that container.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
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

    /// As [`Cache::work`], with nothing in it.
    pub(crate) fn empty_work(&self, name: &str, step: Step) -> Result<PathBuf, BuildError> {
        let folder = self.root.join("work").join(name);
        remove(&folder).map_err(file(step, "remove", &folder))?;
        self.work(name, step)
    }

    /// The result of that name, where an earlier build finished it.
    pub(crate) fn result(&self, name: &str) -> Option<PathBuf> {
        let folder = self.root.join("results").join(name);
        folder.is_dir().then(|| {
            note_use(&folder);
            folder
        })
    }

    /// Begins a result; what a killed build left of it goes away.
    pub(crate) fn begin(&self, name: &str, step: Step) -> Result<Unfinished, BuildError> {
        let folder = self.root.join("work").join(format!("{name}.partial"));
        remove(&folder).map_err(file(step, "remove", &folder))?;
        fs::create_dir_all(&folder).map_err(file(step, "create the folder", &folder))?;
        Ok(Unfinished { folder, result: self.root.join("results").join(name), step })
    }

    /// Drops a result, which need not be there.
    pub(crate) fn forget(&self, name: &str, step: Step) -> Result<(), BuildError> {
        let path = self.root.join("results").join(name);
        remove(&path).map_err(file(step, "remove", &path))
    }

    /// Drops what nobody needs once a build has ended well: its unfinished work, and results that are not among these and
    /// that nobody has used for a week. Another version of this program may use what this one does not know.
    pub(crate) fn tidy(&self, names: &[String], step: Step) -> Result<(), BuildError> {
        let (work, results) = (self.root.join("work"), self.root.join("results"));
        remove(&work).map_err(file(step, "remove", &work))?;
        fs::create_dir_all(&work).map_err(file(step, "create the folder", &work))?;
        for entry in fs::read_dir(&results).map_err(file(step, "list", &results))? {
            let path = entry.map_err(file(step, "list", &results))?.path();
            let used = fs::metadata(&path).and_then(|facts| facts.modified()).map_err(file(step, "look at", &path))?;
            let is_unused = used.elapsed().is_ok_and(|age| age > UNUSED);
            if is_unused && !names.iter().any(|name| path.ends_with(name)) {
                remove(&path).map_err(file(step, "remove", &path))?;
            }
        }
        Ok(())
    }

    fn shorten_logs(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.root.join("logs"))? {
            let entry = entry?;
            if entry.metadata()?.len() > LOG_LIMIT {
                fs::remove_file(entry.path())?;
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

    /// Makes it a result. It is on the disk before it has its name, so that a power loss leaves all of it or nothing.
    pub(crate) fn finish(self) -> Result<PathBuf, BuildError> {
        sync(&self.folder).map_err(file(self.step, "write to the disk", &self.folder))?;
        fs::rename(&self.folder, &self.result).map_err(file(self.step, "rename to its final name", &self.folder))?;
        let results = self.result.parent().unwrap_or(&self.result);
        File::open(results).and_then(|folder| folder.sync_all()).map_err(file(
            self.step,
            "write to the disk",
            results,
        ))?;
        Ok(self.result)
    }
}

/// Notes that a result is used now.
pub(crate) fn note_use(folder: &Path) {
    // Who may only read has no say in what is removed.
    let _ = File::open(folder).and_then(|folder| folder.set_modified(SystemTime::now()));
}

/// Everything below a folder, and the folder.
fn sync(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sync(&entry.path())?;
        } else if kind.is_file() {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}

/// Who holds the lock, as it says itself.
fn holder(lock: &mut File) -> String {
    let mut text = String::new();
    let said = lock.rewind().and_then(|()| lock.read_to_string(&mut text));
    let since = lock.metadata().and_then(|facts| facts.modified()).ok().and_then(|since| since.elapsed().ok());
    match (said, since) {
        (Ok(_), Some(since)) if !text.trim().is_empty() => {
            format!("{}, for {} s so far", text.trim(), since.as_secs())
        }
        _ => "a process that does not say who it is".to_owned(),
    }
}

fn sign(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    writeln!(lock, "process {} ({})", std::process::id(), name.unwrap_or_default())
}

/// The folder's random number, and what a copy of its file does not share.
fn identity_of(path: &Path) -> io::Result<String> {
    let random = match fs::read(path) {
        Ok(random) if random.len() == 16 => random,
        Ok(_) => renew(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => renew(path)?,
        Err(error) => return Err(error),
    };
    let facts = fs::metadata(path)?;
    let place = format!("{} {} {}", facts.ino(), facts.ctime(), facts.ctime_nsec());
    Ok(Digest::new("cache folder").field("random", random).field("place", place).short())
}

fn renew(path: &Path) -> io::Result<Vec<u8>> {
    let random = crate::digest::random()?;
    fs::write(path, &random)?;
    Ok(random)
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
    use std::sync::Mutex;

    use super::*;
    use crate::Silent;

    /// Keeps what is said.
    #[derive(Default)]
    struct Notes(Mutex<Vec<String>>);

    impl Progress for Notes {
        fn started(&self, _: Step) {}
        fn finished(&self, _: Step, _: Duration) {}
        fn skipped(&self, _: Step) {}
        fn line(&self, _: Step, _: &str) {}
        fn note(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    async fn open(folder: &Path) -> Cache {
        Cache::open(&BuildOptions::new(folder), Step::Etcd, &Silent).await.unwrap()
    }

    #[tokio::test]
    async fn a_result_is_there_only_once_finished() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path()).await;
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
    async fn results_that_nobody_has_used_for_long_go_away_and_so_does_unfinished_work() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path()).await;
        let age = |name: &str, days: u64| {
            let path = folder.path().join("results").join(name);
            let then = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
            File::open(path).unwrap().set_modified(then).unwrap();
        };
        for (name, days) in [("ours", 30), ("another-versions", 6), ("old", 30), ("used-again", 30)] {
            cache.begin(name, Step::Etcd).unwrap().finish().unwrap();
            age(name, days);
        }
        assert!(cache.result("used-again").is_some());
        cache.begin("killed", Step::Etcd).unwrap();
        cache.tidy(&["ours".to_owned()], Step::Etcd).unwrap();
        let left = |name: &str| {
            let entries = fs::read_dir(folder.path().join(name)).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(left("results"), ["another-versions", "ours", "used-again"]);
        assert!(left("work").is_empty());
    }

    #[tokio::test]
    async fn a_second_build_in_the_folder_says_whom_it_waits_for() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path()).await;
        let (options, notes) = (BuildOptions::new(folder.path()), Notes::default());
        let second = Cache::open(&options, Step::Base, &notes);
        let waits = async {
            let mut pace = tokio::time::interval(Duration::from_millis(5));
            while notes.0.lock().unwrap().is_empty() {
                pace.tick().await;
            }
            drop(first);
        };
        let (second, ()) = tokio::join!(second, waits);
        second.unwrap();
        let said = notes.0.lock().unwrap().join("\n");
        assert!(said.contains(&format!(": process {} (", std::process::id())), "{said}");
    }

    #[tokio::test]
    async fn a_stopped_build_does_not_wait() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path()).await;
        let options = BuildOptions::new(folder.path());
        options.stop.cancel();
        let second = Cache::open(&options, Step::Base, &Silent).await;
        assert!(matches!(second.err(), Some(BuildError::Stopped { .. })));
        drop(first);
    }

    #[tokio::test]
    async fn a_folder_keeps_its_identity_and_a_copy_has_another() {
        let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let identity = open(folder.path()).await.identity().to_owned();
        // Dropping a lock takes effect at once; what another test starts may hold a copy for a moment, and is waited for.
        assert_eq!(open(folder.path()).await.identity(), identity);
        fs::copy(folder.path().join("identity"), copy.path().join("identity")).unwrap();
        assert_ne!(open(copy.path()).await.identity(), identity);
    }

    #[tokio::test]
    async fn a_log_that_is_too_long_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let cache = open(folder.path()).await;
        let (long, short) = (cache.log(Step::Etcd), cache.log(Step::Runc));
        File::create(&long).unwrap().set_len(LOG_LIMIT + 1).unwrap();
        fs::write(&short, "kept").unwrap();
        drop(cache);
        open(folder.path()).await;
        assert!(!long.exists() && short.exists());
    }
}
