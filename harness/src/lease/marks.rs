//! Small files beside the locks: who holds a cluster, which tests failed on it, whether it must be looked at.
//!
//! They are for people and for the keeper's decisions; nobody is kept out by them.

use std::{
    fs, io,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use super::{
    Access,
    folder::{Folder, ignore_missing},
    process::ProcessId,
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
    /// Seconds since 1970 when it got the lease.
    pub(crate) since: u64,
}

/// The file of one lease.
#[derive(Debug)]
pub(super) struct Held {
    name: String,
    folder: Folder,
}

impl Held {
    /// Notes a lease.
    pub(super) fn note(folder: &Folder, test: &str, access: Access) -> io::Result<Self> {
        static LEASES: AtomicU32 = AtomicU32::new(0);
        let process = ProcessId::current();
        let name = format!("{}-{}.json", process.pid(), LEASES.fetch_add(1, Ordering::Relaxed));
        let mark = HolderMark { test: test.to_owned(), access, process, since: seconds(SystemTime::now()) };
        state::write(&folder.holders().join(&name), &mark)?;
        Ok(Self { name, folder: folder.clone() })
    }

    fn path(&self) -> PathBuf {
        self.folder.holders().join(&self.name)
    }

    /// Turns the note into that of a failed test.
    pub(super) fn failed(self) -> io::Result<()> {
        fs::rename(self.path(), self.folder.failed().join(&self.name))?;
        step("noted a failed test");
        Ok(())
    }

    /// Removes the note.
    pub(super) fn done(self) -> io::Result<()> {
        ignore_missing(fs::remove_file(self.path()))?;
        step("removed the note of a lease");
        Ok(())
    }
}

impl Folder {
    /// The leases that live processes hold.
    pub(crate) fn live_holders(&self) -> Vec<HolderMark> {
        marks(&self.holders()).into_iter().filter(|mark| mark.process.is_alive()).collect()
    }

    /// The tests whose cluster is to stay.
    pub(crate) fn failed_tests(&self) -> Vec<String> {
        marks(&self.failed()).into_iter().map(|mark| mark.test).collect()
    }

    /// Notes that a test has the cluster for itself.
    pub(super) fn claim(&self) -> io::Result<()> {
        fs::write(self.claimed(), "")?;
        step("claimed the cluster");
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
        self.unchecked().exists()
    }

    /// The keeper looked, or made a new cluster.
    pub(super) fn checked(&self) -> io::Result<()> {
        ignore_missing(fs::remove_file(self.unchecked()))?;
        step("noted the check");
        Ok(())
    }
}

/// The marks of a folder, without those that are being written or removed.
fn marks(folder: &std::path::Path) -> Vec<HolderMark> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let read = entries.filter_map(|entry| match state::read(&entry.path()) {
        Ok(Found::This(mark)) => Some(mark),
        _ => None,
    });
    let mut marks: Vec<HolderMark> = read.collect();
    marks.sort_by(|a, b| (a.since, &a.test).cmp(&(b.since, &b.test)));
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::{folder::Home, key::Key};

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
        folder.checked().unwrap();
        assert!(!folder.needs_check());
    }
}
