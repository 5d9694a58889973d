//! Archives are written once for the same sources, however many test processes want them at once.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::ImageError;

/// Archives that nobody has asked for this long are of earlier builds.
const KEEP_UNUSED: Duration = Duration::from_hours(24);

/// The folder of finished archives.
pub(super) struct Cache<'a>(pub(super) &'a Path);

impl Cache<'_> {
    /// The archive with this stamp, which only these sources have; `write` makes it if it is not there. Where it is, nobody
    /// waits for a lock.
    pub(super) fn get_or_write(
        &self,
        name: &str,
        stamp: &str,
        write: impl FnOnce(&mut File) -> Result<(), ImageError>,
    ) -> Result<PathBuf, ImageError> {
        let name = name.replace(['/', ':'], "_");
        let archive = self.0.join(format!("{name}-{stamp}.tar"));
        if is_there(&archive)? {
            return Ok(archive);
        }
        fs::create_dir_all(self.0).map_err(ImageError::file("make", self.0))?;
        // The kernel drops the lock with the process that holds it, however that ends.
        let path = self.0.join(format!("{name}.lock"));
        let lock = File::create(&path).map_err(ImageError::file("open", &path))?;
        lock.lock().map_err(ImageError::file("lock", &path))?;
        if is_there(&archive)? {
            return Ok(archive);
        }
        self.remove_unused()?;
        let mut unfinished = tempfile::NamedTempFile::new_in(self.0).map_err(ImageError::file("write into", self.0))?;
        write(unfinished.as_file_mut())?;
        unfinished.persist(&archive).map_err(|failed| ImageError::file("write", &archive)(failed.error))?;
        Ok(archive)
    }

    /// Removes what builds that were killed left, too.
    fn remove_unused(&self) -> Result<(), ImageError> {
        let list = || ImageError::file("list", self.0);
        for entry in fs::read_dir(self.0).map_err(list())? {
            let entry = entry.map_err(list())?;
            let name = entry.file_name();
            let is_archive = name.to_string_lossy().ends_with(".tar") || name.to_string_lossy().starts_with(".tmp");
            let used = entry.metadata().and_then(|facts| facts.modified());
            let is_unused = used.is_ok_and(|used| used.elapsed().is_ok_and(|unused| unused > KEEP_UNUSED));
            if is_archive && is_unused {
                match fs::remove_file(entry.path()) {
                    // Whoever makes another image may be faster.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    other => other.map_err(ImageError::file("remove", entry.path()))?,
                }
            }
        }
        Ok(())
    }
}

/// Whether it is there; then it is marked as used.
fn is_there(archive: &Path) -> Result<bool, ImageError> {
    match File::options().append(true).open(archive) {
        Ok(file) => {
            file.set_modified(SystemTime::now()).map_err(ImageError::file("mark as used", archive))?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ImageError::file("open", archive)(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[test]
    fn a_crowd_writes_once_and_who_finds_it_waits_for_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let (folder, writes) = (folder.path().join("images"), AtomicUsize::new(0));
        let get = || {
            Cache(&folder).get_or_write("example.com:5000/it", "1", |file| {
                writes.fetch_add(1, Ordering::SeqCst);
                file.write_all(b"image").map_err(ImageError::file("write", "it"))
            })
        };
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(get)).collect();
            for one in all {
                assert_eq!(fs::read(one.join().unwrap().unwrap()).unwrap(), b"image");
            }
        });
        assert_eq!(writes.load(Ordering::SeqCst), 1);
        let lock = File::open(folder.join("example.com_5000_it.lock")).unwrap();
        lock.lock().unwrap();
        get().unwrap();
    }

    #[test]
    fn what_nobody_uses_goes_and_what_somebody_uses_stays() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache(folder.path());
        let long_ago = SystemTime::now() - 2 * KEEP_UNUSED;
        let age = |path: &Path| File::options().append(true).open(path).unwrap().set_modified(long_ago).unwrap();
        let used = cache.get_or_write("one", "1", |_| Ok(())).unwrap();
        let unused = cache.get_or_write("two", "1", |_| Ok(())).unwrap();
        let (of_a_killed_build, other) = (folder.path().join(".tmpAbC"), folder.path().join("notes.txt"));
        for path in [&of_a_killed_build, &other] {
            fs::write(path, "").unwrap();
        }
        for path in [&used, &unused, &of_a_killed_build, &other] {
            age(path);
        }
        cache.get_or_write("one", "1", |_| panic!("it is there")).unwrap();
        cache.get_or_write("three", "1", |_| Ok(())).unwrap();
        let there = [&used, &unused, &of_a_killed_build, &other].map(|path| path.exists());
        assert_eq!(there, [true, false, false, true]);
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let failed = |_: &mut File| Err(ImageError::file("write", "it")(io::Error::other("disk full")));
        Cache(folder.path()).get_or_write("it", "1", failed).unwrap_err();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["it.lock"]);
    }
}
