//! The folder of a run's results: what makes a run resumable, and what it was about.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    catalog::Spec,
    results::{self, Recorded},
    run::Failed,
};

/// What a run is about. Results of another one are of no use to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The Kubernetes version of the specs, such as `v1.37.2`.
    pub version: String,
    /// The cluster, in words: its image and shape, or whose it is.
    pub cluster: String,
    /// Whether it is to be evidence, so that nothing is tried twice.
    pub certified: bool,
}

/// The content of the folder's `run.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    format: u32,
    #[serde(flatten)]
    subject: Subject,
    /// In how many pieces it was run so far.
    pieces: u32,
    /// What tells the clusters apart on which they ran; `None` in folders from before that was noted.
    #[serde(default)]
    clusters: Option<BTreeSet<String>>,
}

/// The only form there is so far.
const FORMAT: u32 = 1;
/// What the run is about.
const HEAD: &str = "run.json";
/// A folder for each spec.
const SPECS: &str = "specs";
/// A line for each spec that ran.
const RESULTS: &str = "results.tsv";
/// A line for each spec that failed, with what there is to say of it.
const FAILURES: &str = "failures.jsonl";

/// Whether what an earlier run left counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// It does: go on from there.
    Resume,
    /// It goes.
    Anew,
}

/// The folder of this run, which no other run uses meanwhile.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    head: Head,
    _lock: File,
}

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file in it.
    #[error("{action} {}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// Another run is at work in it.
    #[error("use the results in {}: another run is at work there", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// It holds something else.
    #[error("use the results in {}: it is not empty and holds no results of a conformance run; name another folder", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// It holds results of something else.
    #[error(
        "use the results in {}: they are of {found}, and this run is about {wanted}; begin anew, or name another folder", path.display()
    )]
    OtherSubject {
        /// The folder.
        path: PathBuf,
        /// What the results are about.
        found: String,
        /// What this run is about.
        wanted: String,
    },
}

impl Subject {
    fn words(&self) -> String {
        let kind = if self.certified { "a certified run of " } else { "" };
        format!("{kind}Kubernetes {} on {}", self.version, self.cluster)
    }
}

impl Folder {
    /// Makes the folder, or goes on with what it holds.
    ///
    /// # Errors
    /// When it holds something else, another run uses it, or it cannot be read or written.
    pub fn open(path: &Path, subject: &Subject, begin: Begin) -> Result<Self, FolderError> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let failed = |action, path: &Path| {
            let path = path.to_owned();
            move |source| FolderError::File { action, path, source }
        };
        let head_path = path.join(HEAD);
        let text = match fs::read(&head_path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(failed("read", &head_path)(source)),
        };
        if text.is_none() && fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(FolderError::Foreign { path });
        }
        fs::create_dir_all(&path).map_err(failed("make the folder", &path))?;
        // The lock is on the folder itself, so that nothing else has to be in it.
        let lock = File::open(&path).map_err(failed("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FolderError::InUse { path }),
            Err(TryLockError::Error(source)) => return Err(failed("lock", &path)(source)),
        }
        let mut head = Head { format: FORMAT, subject: subject.clone(), pieces: 0, clusters: Some(BTreeSet::new()) };
        if begin == Begin::Anew {
            clear(&path).map_err(failed("clear", &path))?;
        } else if let Some(text) = text {
            head = serde_json::from_slice(&text).map_err(|error| failed("read", &head_path)(error.into()))?;
            if head.format != FORMAT || head.subject != *subject {
                let (found, wanted) = (head.subject.words(), subject.words());
                return Err(FolderError::OtherSubject { path, found, wanted });
            }
        }
        head.pieces += 1;
        let folder = Self { path, head, _lock: lock };
        folder.write_head()?;
        Ok(folder)
    }

    fn write_head(&self) -> Result<(), FolderError> {
        let path = self.path.join(HEAD);
        let written = serde_json::to_vec_pretty(&self.head).map_err(io::Error::from);
        let written = written.and_then(|text| fs::write(&path, text));
        written.map_err(|source| FolderError::File { action: "write", path, source })
    }

    /// Notes on which cluster this piece runs.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn runs_on(&mut self, cluster: &str) -> Result<(), FolderError> {
        let is_new = self.head.clusters.as_mut().is_some_and(|clusters| clusters.insert(cluster.to_owned()));
        if is_new { self.write_head() } else { Ok(()) }
    }

    /// On how many clusters the run was made; `None` where an older version began it, which took no note of that.
    pub fn clusters(&self) -> Option<usize> {
        self.head.clusters.as_ref().map(BTreeSet::len)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// In how many pieces the run was made, this one included.
    pub fn pieces(&self) -> u32 {
        self.head.pieces
    }

    /// The file of results in the folder of this path.
    pub fn results_file_in(path: &Path) -> PathBuf {
        path.join(RESULTS)
    }

    /// Where each spec that leaves something has a folder, in the folder of this path.
    pub fn specs_in(path: &Path) -> PathBuf {
        path.join(SPECS)
    }

    /// The last result of every test.
    ///
    /// # Errors
    /// When the file of results cannot be read.
    pub fn recorded(&self) -> Result<BTreeMap<String, Recorded>, FolderError> {
        let path = Self::results_file_in(&self.path);
        results::read(&path).map_err(|source| FolderError::File { action: "read", path, source })
    }
}

impl Folder {
    /// Keeps what there is to say of a spec that failed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_failure(&self, spec: &Spec, failed: &Failed) -> Result<(), FolderError> {
        let path = self.path.join(FAILURES);
        let add = || {
            let mut line = serde_json::to_vec(&(spec.test, failed))?;
            line.push(b'\n');
            OpenOptions::new().append(true).create(true).open(&path)?.write_all(&line)
        };
        add().map_err(|source| FolderError::File { action: "write", path, source })
    }

    /// What there was to say last of every test that ever failed.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn failures(&self) -> Result<BTreeMap<String, Failed>, FolderError> {
        let path = self.path.join(FAILURES);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text.map_err(|source| FolderError::File { action: "read", path, source })?,
        };
        // A line that is not whole is none, as after a full disk.
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
}

/// Removes what runs leave, and nothing that a person may have put there.
fn clear(path: &Path) -> io::Result<()> {
    let missing_is_fine = |outcome: io::Result<()>| match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    };
    missing_is_fine(fs::remove_file(path.join(RESULTS)))?;
    missing_is_fine(fs::remove_file(path.join(FAILURES)))?;
    missing_is_fine(fs::remove_dir_all(path.join(SPECS)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn subject() -> Subject {
        Subject { version: "v1.37.2".to_owned(), cluster: "image:1, 3 + 2 nodes".to_owned(), certified: false }
    }

    #[test]
    fn a_run_goes_on_where_the_last_one_ended() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("results");
        let first = Folder::open(&path, &subject(), Begin::Resume).unwrap();
        fs::write(Folder::results_file_in(&path), "a::b\tpassed\t1.00\t2.00\n").unwrap();
        assert!(matches!(Folder::open(&path, &subject(), Begin::Resume), Err(FolderError::InUse { .. })));
        drop(first);
        let second = Folder::open(&path, &subject(), Begin::Resume).unwrap();
        assert_eq!((second.pieces(), second.recorded().unwrap().len()), (2, 1));
        drop(second);
        let anew = Folder::open(&path, &subject(), Begin::Anew).unwrap();
        assert_eq!((anew.pieces(), anew.recorded().unwrap().len()), (1, 0));
    }

    #[test]
    fn the_clusters_of_a_run_are_counted_over_all_of_its_pieces() {
        let parent = tempfile::tempdir().unwrap();
        let open = |begin| Folder::open(parent.path(), &subject(), begin).unwrap();
        for (cluster, count) in [("a", 1), ("a", 1), ("b", 2)] {
            let mut folder = open(Begin::Resume);
            folder.runs_on(cluster).unwrap();
            assert_eq!(folder.clusters(), Some(count));
        }
        assert_eq!(open(Begin::Resume).clusters(), Some(2));
        assert_eq!(open(Begin::Anew).clusters(), Some(0));
        let path = parent.path().join(HEAD);
        let text = fs::read_to_string(&path).unwrap();
        let mut old: serde_json::Value = serde_json::from_str(&text).unwrap();
        old.as_object_mut().unwrap().remove("clusters");
        fs::write(&path, old.to_string()).unwrap();
        let mut folder = open(Begin::Resume);
        folder.runs_on("c").unwrap();
        assert_eq!(folder.clusters(), None, "nobody knows on which clusters the earlier pieces ran");
    }

    #[test]
    fn results_of_something_else_are_not_mixed_in() {
        let folder = tempfile::tempdir().unwrap();
        drop(Folder::open(folder.path(), &subject(), Begin::Resume).unwrap());
        let certified = Subject { certified: true, ..subject() };
        let error = Folder::open(folder.path(), &certified, Begin::Resume).unwrap_err().to_string();
        assert!(error.contains("they are of Kubernetes v1.37.2 on image:1") && error.contains("begin anew"), "{error}");
        drop(Folder::open(folder.path(), &certified, Begin::Anew).unwrap());
        drop(Folder::open(folder.path(), &certified, Begin::Resume).unwrap());
    }

    #[test]
    fn the_last_failure_of_a_spec_is_told() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path(), &subject(), Begin::Resume).unwrap();
        assert!(folder.failures().unwrap().is_empty());
        let spec = &Catalog::newest().specs()[0];
        for message in ["one", "two\nlines"] {
            let failed = Failed { message: message.to_owned(), ..Failed::default() };
            folder.add_failure(spec, &failed).unwrap();
        }
        let failures = folder.failures().unwrap();
        assert_eq!((failures.len(), failures[spec.test].message.as_str()), (1, "two\nlines"));
    }

    #[test]
    fn somebody_elses_folder_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.tex"), "").unwrap();
        for begin in [Begin::Resume, Begin::Anew] {
            assert!(matches!(Folder::open(folder.path(), &subject(), begin), Err(FolderError::Foreign { .. })));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
