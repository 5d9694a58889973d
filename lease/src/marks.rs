//! Small files beside the locks: who holds a cluster or waits for it, which tests failed on it, whether it must be looked
//! at.
//!
//! They are for people and for the keeper's decisions; nobody is kept out by them.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use kind_core::{access::Access, process::ProcessId};
use serde::{Deserialize, Serialize};

use super::{
    folder::{Folder, ignore_missing, unique},
    state::{self, Found, seconds},
    step::step,
};

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HolderMark {
    /// The test.
    pub(crate) test: String,
    /// How it uses the cluster.
    pub(crate) access: Access,
    /// The test's process.
    pub(crate) process: ProcessId,
    /// Seconds since 1970 when it got the lease, or began to wait for it.
    pub(crate) since: u64,
    /// The namespace that goes with it, if it is killed.
    #[serde(default)]
    pub(crate) namespace: Option<String>,
    /// Where the process has its number: who is elsewhere cannot tell whether it lives.
    #[serde(default)]
    numbered_in: Option<PathBuf>,
}

impl HolderMark {
    fn now(test: &str, access: Access) -> Self {
        let (process, since) = (ProcessId::current(), seconds(SystemTime::now()));
        Self { test: test.to_owned(), access, process, since, namespace: None, numbered_in: numbers() }
    }

    /// A name for its file that no other mark has.
    fn name(&self) -> String {
        // Processes of two containers that share a state folder have the same numbers.
        format!("{}-{}.json", self.process.pid(), unique())
    }
}

/// This process' namespace of process numbers.
fn numbers() -> Option<PathBuf> {
    fs::read_link("/proc/self/ns/pid").ok()
}

/// The file of one lease.
#[derive(Debug, Clone)]
pub(super) struct Held {
    name: String,
    folder: Folder,
    mark: HolderMark,
}

impl Held {
    /// Notes a lease.
    pub(super) fn note(folder: &Folder, test: &str, access: Access) -> io::Result<Self> {
        let mark = HolderMark::now(test, access);
        let held = Self { name: mark.name(), folder: folder.clone(), mark };
        state::write(&held.path(), &held.mark)?;
        Ok(held)
    }

    /// Notes the namespace that the test is about to make.
    pub(super) fn uses(&self, namespace: &str) -> io::Result<()> {
        state::write(&self.path(), &HolderMark { namespace: Some(namespace.to_owned()), ..self.mark.clone() })
    }

    fn path(&self) -> PathBuf {
        self.folder.holders().join(&self.name)
    }

    /// Turns the note into that of a failed test.
    pub(super) fn failed(&self) -> io::Result<()> {
        fs::rename(self.path(), self.folder.failed().join(&self.name))?;
        step("noted a failed test");
        Ok(())
    }

    /// Removes the note.
    pub(super) fn done(&self) -> io::Result<()> {
        ignore_missing(fs::remove_file(self.path()))?;
        step("removed the note of a lease");
        Ok(())
    }
}

/// What a process does last that ends in the middle of its test.
#[derive(Debug)]
pub struct LastWord(pub(super) Held);

impl LastWord {
    /// Keeps the cluster for a look.
    ///
    /// # Errors
    /// When that cannot be noted.
    pub fn failed(&self) -> io::Result<()> {
        self.0.folder.doubt()?;
        self.0.failed()
    }
}

/// The file of a test that waits for a lease. It goes with this value.
#[derive(Debug)]
pub(super) struct Waiting(PathBuf);

impl Waiting {
    /// Notes that a test waits.
    pub(super) fn note(folder: &Folder, test: &str, access: Access, since: SystemTime) -> io::Result<Self> {
        let mark = HolderMark { since: seconds(since), ..HolderMark::now(test, access) };
        let path = folder.waiting().join(mark.name());
        state::write(&path, &mark)?;
        Ok(Self(path))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // What stays of a test that gave up is not shown when its process is dead, and goes with the folder.
        let _ = fs::remove_file(&self.0);
    }
}

/// The mark of a test that was killed.
#[derive(Debug)]
pub(super) struct Killed {
    pub(super) path: PathBuf,
    pub(super) mark: HolderMark,
}

impl Killed {
    /// What it left is seen to.
    pub(super) fn forget(&self) -> io::Result<()> {
        ignore_missing(fs::remove_file(&self.path))?;
        step("forgot a test that was killed");
        Ok(())
    }
}

impl Folder {
    /// The leases that live processes hold.
    pub(crate) fn live_holders(&self) -> Vec<HolderMark> {
        live(&self.holders())
    }

    /// The tests that wait, and have for a while.
    pub(crate) fn live_waiting(&self) -> Vec<HolderMark> {
        live(&self.waiting())
    }

    /// The leases whose processes died with them.
    pub(super) fn killed(&self) -> Vec<Killed> {
        let here = numbers();
        let is_killed = |mark: &HolderMark| mark.numbered_in == here && !mark.process.is_alive();
        let all = marks(&self.holders()).into_iter().filter(|(_, mark)| is_killed(mark));
        all.map(|(path, mark)| Killed { path, mark }).collect()
    }

    /// The tests whose cluster is to stay.
    pub(crate) fn failed_tests(&self) -> Vec<String> {
        marks(&self.failed()).into_iter().map(|(_, mark)| mark.test).collect()
    }

    /// Notes on images that every node has.
    pub(super) fn images(&self) -> PathBuf {
        self.path().join("images")
    }

    /// Notes that a test has the cluster for itself. It may take images away again.
    pub(super) fn claim(&self) -> io::Result<()> {
        fs::write(self.claimed(), "")?;
        step("claimed the cluster");
        ignore_missing(fs::remove_dir_all(self.images()))?;
        Ok(())
    }

    /// Asks the keeper to look at a cluster that a test had for itself. Only for who holds the users' lock, so that
    /// that test is gone, however it ended.
    pub(super) fn ask_for_check(&self) -> io::Result<()> {
        ignore_missing(fs::rename(self.claimed(), self.unchecked()))?;
        step("asked for a check where one is due");
        Ok(())
    }

    /// Lets nobody in before the cluster was looked at.
    pub(super) fn doubt(&self) -> io::Result<()> {
        fs::write(self.unchecked(), "")?;
        step("doubted the cluster");
        Ok(())
    }

    /// Whether the keeper was asked to look and has not yet done so.
    pub(super) fn needs_check(&self) -> bool {
        self.unchecked().exists() || self.looking().exists()
    }

    /// The keeper begins to look. A doubt that comes from now on is another one.
    pub(super) fn begin_check(&self) -> io::Result<()> {
        ignore_missing(fs::rename(self.unchecked(), self.looking()))?;
        step("began a check");
        Ok(())
    }

    /// The keeper looked, and it is well.
    pub(super) fn checked(&self) -> io::Result<()> {
        ignore_missing(fs::remove_file(self.looking()))?;
        step("noted the check");
        Ok(())
    }

    /// What was doubted is of a cluster that goes.
    pub(super) fn forget_doubts(&self) -> io::Result<()> {
        self.begin_check()?;
        self.checked()
    }
}

fn live(folder: &Path) -> Vec<HolderMark> {
    marks(folder).into_iter().map(|(_, mark)| mark).filter(|mark| mark.process.is_alive()).collect()
}

/// The marks of a folder, without those that are being written or removed.
fn marks(folder: &Path) -> Vec<(PathBuf, HolderMark)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let read = entries.filter_map(|entry| match state::read(&entry.path()) {
        Ok(Found::This(mark)) => Some((entry.path(), mark)),
        _ => None,
    });
    let mut marks: Vec<(PathBuf, HolderMark)> = read.collect();
    marks.sort_by(|(_, a), (_, b)| (a.since, &a.test).cmp(&(b.since, &b.test)));
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{folder::Home, key::Key};

    #[test]
    fn a_lease_is_seen_while_it_is_held_and_a_failure_after() {
        let root = tempfile::tempdir().unwrap();
        let folder = Home::open(root.path()).unwrap().folder(&Key::parse("0123456789").unwrap());
        folder.create().unwrap();
        let first = Held::note(&folder, "a", Access::Shared).unwrap();
        let second = Held::note(&folder, "b", Access::Exclusive).unwrap();
        let tests: Vec<String> = folder.live_holders().into_iter().map(|mark| mark.test).collect();
        assert_eq!(tests, ["a", "b"]);
        first.done().unwrap();
        second.failed().unwrap();
        assert_eq!(folder.live_holders(), []);
        assert_eq!(folder.failed_tests(), ["b"]);
    }

    #[test]
    fn a_claim_becomes_a_question_once_and_an_answer_ends_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = Home::open(root.path()).unwrap().folder(&Key::parse("0123456789").unwrap());
        folder.create().unwrap();
        folder.ask_for_check().unwrap();
        assert!(!folder.needs_check());
        folder.claim().unwrap();
        assert!(!folder.needs_check());
        folder.ask_for_check().unwrap();
        folder.ask_for_check().unwrap();
        assert!(folder.needs_check());
        folder.begin_check().unwrap();
        assert!(folder.needs_check(), "nobody has looked yet");
        folder.doubt().unwrap();
        folder.checked().unwrap();
        assert!(folder.needs_check(), "this doubt came after the look began");
        folder.forget_doubts().unwrap();
        assert!(!folder.needs_check());
    }
}
