//! Archives are written once for the same sources, however many test processes want them at once.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

/// Archives that nobody has asked for this long are of earlier builds.
const KEEP_UNUSED: Duration = Duration::from_hours(24);

/// Counts up when archives of the same sources come to differ.
const FORMAT: u8 = 1;

/// The folder of finished archives.
pub(super) struct Cache(PathBuf);

impl Cache {
    pub(super) fn below(target: &Path) -> Self {
        Self(target.join("kind/images"))
    }

    /// The path of the archive made from these sources; `write` makes it if it is not there.
    pub(super) fn get_or_write<'a>(
        &self,
        name: &str,
        sources: impl Iterator<Item = &'a Path>,
        write: impl FnOnce(&mut File) -> anyhow::Result<()>,
    ) -> anyhow::Result<PathBuf> {
        fs::create_dir_all(&self.0).with_context(|| format!("make {}", self.0.display()))?;
        let archive = self.0.join(format!("{name}-{}.tar", stamp(sources)?));
        // The kernel drops the lock with the process that holds it, however that ends.
        let lock = File::create(self.0.join(format!("{name}.lock"))).context("open the lock")?;
        lock.lock().context("lock the images' folder")?;
        if let Ok(present) = File::options().append(true).open(&archive) {
            present.set_modified(SystemTime::now()).context("mark the archive as used")?;
            return Ok(archive);
        }
        self.remove_unused(name)?;
        let mut unfinished = tempfile::NamedTempFile::new_in(&self.0).context("make a temporary file")?;
        write(unfinished.as_file_mut()).with_context(|| format!("write {}", archive.display()))?;
        unfinished.persist(&archive).with_context(|| format!("rename to {}", archive.display()))?;
        Ok(archive)
    }

    fn remove_unused(&self, name: &str) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.0).with_context(|| format!("list {}", self.0.display()))? {
            let entry = entry?;
            let file_name = entry.file_name();
            let ours = file_name.to_string_lossy().starts_with(&format!("{name}-"));
            let used = entry.metadata()?.modified()?;
            if ours && used.elapsed().is_ok_and(|unused| unused > KEEP_UNUSED) {
                fs::remove_file(entry.path()).with_context(|| format!("remove {}", entry.path().display()))?;
            }
        }
        Ok(())
    }
}

/// Tells one set of sources from another without reading them: debug builds are big, and each test process asks.
fn stamp<'a>(sources: impl Iterator<Item = &'a Path>) -> anyhow::Result<String> {
    let mut digest = Sha256::new();
    digest.update([FORMAT]);
    for source in sources {
        let facts = fs::metadata(source).with_context(|| format!("read {}", source.display()))?;
        digest.update(source.as_os_str().as_encoded_bytes());
        digest.update(format!("\n{} {} {}\n", facts.len(), facts.mtime(), facts.mtime_nsec()));
    }
    Ok(format!("{:x}", digest.finalize())[..16].to_owned())
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[test]
    fn many_askers_get_one_archive_written_once() {
        let target = tempfile::tempdir().unwrap();
        let source = target.path().join("program");
        fs::write(&source, "first").unwrap();
        let written = AtomicUsize::new(0);
        let ask = || {
            let sources = [source.as_path()];
            Cache::below(target.path())
                .get_or_write("it", sources.into_iter(), |file| {
                    written.fetch_add(1, Ordering::SeqCst);
                    Ok(file.write_all(b"archive")?)
                })
                .unwrap()
        };
        let paths: Vec<PathBuf> = std::thread::scope(|scope| {
            let askers: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            askers.into_iter().map(|asker| asker.join().unwrap()).collect()
        });
        assert_eq!(written.load(Ordering::SeqCst), 1);
        assert!(paths.iter().all(|path| *path == paths[0] && fs::read(path).unwrap() == b"archive"));

        fs::write(&source, "second, longer").unwrap();
        assert_ne!(ask(), paths[0], "another program is another archive");
    }

    #[test]
    fn a_failed_write_leaves_no_archive() {
        let target = tempfile::tempdir().unwrap();
        let cache = Cache::below(target.path());
        let failed = cache.get_or_write("it", std::iter::empty(), |_| anyhow::bail!("disk full"));
        assert!(format!("{:#}", failed.unwrap_err()).ends_with("disk full"));
        let left = fs::read_dir(target.path().join("kind/images")).unwrap().count();
        assert_eq!(left, 1, "only the lock stays");
    }
}
