//! What `prepare = function` asks for: done once in a new cluster, which all fresh clusters are then clones of.
//!
//! Nobody can tell what a function depends on. What counts is the test binary, which another build of the function is
//! another one of, and the files that `inputs` names.

use std::{
    fs, io,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use futures::{FutureExt as _, future::LocalBoxFuture};
use kind_core::{
    cluster::{Cluster, ClusterRecord},
    settings::Settings,
};
use kind_lease::Preparation;
use sha2::{Digest, Sha256};

use super::{
    error::EntryError,
    judge::Judged,
    request::{TestMeta, find},
    timeline::seconds,
    verdict::panicked,
};

/// How many hexadecimal digits tell contents apart.
const DIGITS: usize = 16;

/// A function that prepares a new cluster.
#[derive(Debug, Clone, Copy)]
pub struct Prepare {
    /// Its full path.
    pub name: fn() -> &'static str,
    /// Files and folders that it reads, relative to the package.
    pub inputs: &'static [&'static str],
    /// The function.
    pub run: fn(Cluster) -> LocalBoxFuture<'static, Judged>,
}

/// One that is ready to be run.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    prepare: Prepare,
    key: String,
    contents: String,
    limit: Duration,
}

impl Prepare {
    /// Looks at what it depends on.
    pub(super) fn look(self, meta: &TestMeta, limit: Duration) -> Result<Prepared, EntryError> {
        let name = (self.name)();
        let mut digest = Sha256::new();
        let program = program().map_err(|source| EntryError::Program { source })?;
        add(&mut digest, &program);
        for input in self.inputs {
            let path = find(input, meta);
            add_path(&mut digest, Path::new(input), &path).map_err(|source| EntryError::Input {
                input,
                path,
                source,
            })?;
        }
        let mut contents = format!("{:x}", digest.finalize());
        contents.truncate(DIGITS);
        let key = format!("{name} of {} in {}", meta.package, meta.manifest_dir);
        Ok(Prepared { prepare: self, key, contents, limit })
    }
}

impl Prepared {
    /// What the leases are told of it, with the work for the cluster that it is done in.
    pub(super) async fn with<T>(&self, settings: &Settings, then: impl AsyncFnOnce(&Preparation<'_>) -> T) -> T {
        let (engine, run, limit) = (settings.engine.clone(), self.prepare.run, self.limit);
        let run = |record: &ClusterRecord| {
            let cluster = Cluster::attach(record.clone(), engine.clone());
            async move { bounded(run(cluster), limit).await }.boxed_local()
        };
        let name = (self.prepare.name)();
        then(&Preparation { name, key: &self.key, contents: &self.contents, run: &run }).await
    }
}

/// Runs it to its end, and says why it failed.
async fn bounded(work: LocalBoxFuture<'static, Judged>, limit: Duration) -> Result<(), String> {
    match tokio::time::timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(reason))) => Err(format!("it {reason}")),
        Ok(Err(payload)) => Err(panicked(&*payload)),
        Err(_) => Err(format!("it did not end within {}, the test's `timeout`", seconds(limit))),
    }
}

/// What tells this build of the program from others.
fn program() -> io::Result<String> {
    let path = std::env::current_exe()?;
    let facts = fs::metadata(&path)?;
    let modified = facts.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(format!("{} {} {}", path.display(), facts.len(), modified.as_nanos()))
}

/// Adds a file, or all files of a folder.
fn add_path(digest: &mut Sha256, name: &Path, path: &Path) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        add(digest, name.as_os_str().as_encoded_bytes());
        add(digest, fs::read(path)?);
        return Ok(());
    }
    let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>();
    let mut entries = entries?;
    entries.sort();
    for entry in entries {
        let name = entry.file_name().map_or_else(|| name.to_owned(), |file| name.join(file));
        add_path(digest, &name, &entry)?;
    }
    Ok(())
}

/// The length keeps two parts from trading characters.
fn add(digest: &mut Sha256, part: impl AsRef<[u8]>) {
    digest.update(part.as_ref().len().to_le_bytes());
    digest.update(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: TestMeta = TestMeta { package: "p", manifest_dir: "/nonexistent", module: "m", name: "t" };

    fn prepare(inputs: &'static [&'static str]) -> Prepare {
        Prepare { name: || "p::install", inputs, run: |_| async { Ok(()) }.boxed_local() }
    }

    fn contents(folder: &Path) -> String {
        let mut digest = Sha256::new();
        add_path(&mut digest, Path::new("in"), folder).unwrap();
        format!("{:x}", digest.finalize())
    }

    #[test]
    fn another_file_another_name_and_another_place_are_other_contents() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("deep/two"));
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(&one, "a").unwrap();
        fs::write(&two, "b").unwrap();
        let first = contents(folder.path());
        assert_eq!(contents(folder.path()), first);
        fs::write(&two, "c").unwrap();
        let changed = contents(folder.path());
        fs::rename(&two, folder.path().join("two")).unwrap();
        let moved = contents(folder.path());
        fs::rename(&one, folder.path().join("three")).unwrap();
        let renamed = contents(folder.path());
        let all = std::collections::BTreeSet::from([&first, &changed, &moved, &renamed]);
        assert_eq!(all.len(), 4, "{all:?}");
    }

    #[test]
    fn an_input_that_is_not_there_is_named() {
        let error = prepare(&["crds/none.yaml"]).look(&META, Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("crds/none.yaml"), "{error}");
        assert_eq!(prepare(&[]).look(&META, Duration::ZERO).unwrap().contents.len(), DIGITS);
    }

    #[tokio::test]
    async fn what_fails_says_how() {
        let run = async |work: LocalBoxFuture<'static, Judged>| bounded(work, Duration::from_millis(20)).await;
        assert_eq!(run(async { Ok(()) }.boxed_local()).await, Ok(()));
        let failed = run(async { Err("returned an error: no".to_owned()) }.boxed_local()).await;
        assert_eq!(failed, Err("it returned an error: no".to_owned()));
        let panicked = run(async { panic!("no such chart") }.boxed_local()).await.unwrap_err();
        assert!(panicked.contains("no such chart"), "{panicked}");
        let late = run(std::future::pending().boxed_local()).await.unwrap_err();
        assert!(late.contains("did not end within"), "{late}");
    }
}
