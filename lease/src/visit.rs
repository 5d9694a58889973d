//! Tests on a cluster that somebody else owns: only who of this user's tests is on it at the same time is arranged here.
//! There is no keeper, and nothing of the cluster itself is ever made, mended or removed.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use kind_core::{
    access::Access,
    wait::{self, Check},
};
use sha2::{Digest as _, Sha256};

use super::{
    Holder, LeaseError,
    folder::{create_private, ignore_missing},
    lock::{Door, LockFile, Seat},
    notice::Notice,
};

/// How often the lock is looked at.
const EVERY: Duration = Duration::from_millis(10);
/// There is no limit to waiting for other tests; the test runner has one.
const NO_LIMIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// A test's hold on somebody else's cluster. It ends with the process at the latest.
#[derive(Debug)]
pub struct Visit {
    seat: Seat,
    folder: PathBuf,
}

/// Waits until the test may use the cluster, beside this user's other tests or, with exclusive access, without them.
/// `cluster` is what two processes must have in common to mean the same cluster.
///
/// # Errors
/// When the state folder cannot be used, or the wait is too long.
pub async fn visit(state_dir: &Path, cluster: &str, access: Access, holder: &Holder) -> Result<Visit, LeaseError> {
    let digits = format!("{:x}", Sha256::digest(cluster));
    let folder = state_dir.join("existing").join(&digits[..16]);
    let mut notice = Notice::about(format!("{}: somebody else's cluster", holder.test));
    loop {
        // The folder may be removed at any moment until the lock is held: then it all begins again.
        match enter(&folder, access, &mut notice).await {
            Ok(Some(seat)) => return Ok(Visit { seat, folder }),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(LeaseError::File { action: "lock", path: folder, source }),
        }
    }
}

async fn enter(folder: &Path, access: Access, notice: &mut Notice) -> io::Result<Option<Seat>> {
    let mut door = door(folder, access)?;
    let others = if access.is_alone() { "other tests use it" } else { "a test has it for itself" };
    let entered = wait::until_or(EVERY, "the other tests on the cluster", NO_LIMIT, async || {
        if door.try_enter()? {
            return Ok(Check::Done(()));
        }
        notice.waiting(|| others.to_owned());
        Ok::<_, io::Error>(Check::not_yet(others))
    });
    if entered.await?.is_err() || !door.is_current() {
        return Ok(None);
    }
    notice.done();
    Ok(Some(door.into_seat()))
}

fn door(folder: &Path, access: Access) -> io::Result<Door> {
    create_private(folder)?;
    let open = |name: &str| LockFile::open(&folder.join(name));
    Ok(Door::new(open("turn.lock")?, open("users.lock")?, access))
}

impl Visit {
    /// Gives the cluster back. The last one takes the locks away.
    pub fn leave(self) {
        let Self { seat, folder } = self;
        seat.leave();
        let last = || -> io::Result<()> {
            let mut door = door(&folder, Access::Exclusive)?;
            if door.try_enter()? && door.is_current() { ignore_missing(fs::remove_dir_all(&folder)) } else { Ok(()) }
        };
        if let Err(error) = last() {
            tracing::debug!("remove {}: {error}", folder.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn enter_within(milliseconds: u64, state: &Path, cluster: &str, access: Access) -> Option<Visit> {
        let holder = Holder { test: "a".to_owned() };
        let entered = visit(state, cluster, access, &holder);
        tokio::time::timeout(Duration::from_millis(milliseconds), entered).await.ok().map(Result::unwrap)
    }

    #[tokio::test]
    async fn an_exclusive_visit_is_alone_on_its_cluster_and_nothing_stays() {
        let state = tempfile::tempdir().unwrap();
        let first = enter_within(5000, state.path(), "one", Access::Shared).await.unwrap();
        let second = enter_within(5000, state.path(), "one", Access::Read).await.unwrap();
        assert!(enter_within(30, state.path(), "one", Access::Exclusive).await.is_none());
        let elsewhere = enter_within(5000, state.path(), "two", Access::Exclusive).await.unwrap();
        first.leave();
        second.leave();
        let alone = enter_within(5000, state.path(), "one", Access::Exclusive).await.unwrap();
        assert!(enter_within(30, state.path(), "one", Access::Shared).await.is_none());
        alone.leave();
        elsewhere.leave();
        assert_eq!(fs::read_dir(state.path().join("existing")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn who_waits_on_locks_that_are_removed_begins_again() {
        let state = tempfile::tempdir().unwrap();
        let first = enter_within(5000, state.path(), "one", Access::Exclusive).await.unwrap();
        let next = enter_within(5000, state.path(), "one", Access::Exclusive);
        let leave = async {
            tokio::task::yield_now().await;
            first.leave();
        };
        let (next, ()) = tokio::join!(next, leave);
        assert!(enter_within(30, state.path(), "one", Access::Shared).await.is_none());
        next.unwrap().leave();
    }
}
