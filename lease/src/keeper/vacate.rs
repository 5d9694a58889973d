//! A cluster that is not well and that tests may still use: it is made anew under none of them.

use std::{io, time::Duration};

use kind_core::{
    cluster::ClusterRecord,
    wait::{self, Check},
};

use crate::{folder::Folder, lock::LockFile, provisioner::Provisioner};

/// How often it is looked whether tests use it.
const EVERY: Duration = Duration::from_millis(50);
/// How long after one look at the cluster the next one is taken.
const AGAIN: Duration = Duration::from_secs(1);

/// What the wait came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vacated {
    /// It is well after all, or again.
    Well,
    /// No test uses it, and none can while the lock is held.
    Empty,
    /// Nothing of it runs, so nothing is taken from anybody.
    Stopped,
}

/// Waits until no test uses the cluster; until then it is looked at again and again.
pub(super) async fn vacated(
    folder: &Folder,
    in_use: &LockFile,
    provisioner: &dyn Provisioner,
    record: &ClusterRecord,
) -> io::Result<Vacated> {
    let looked = async {
        wait::until_or(AGAIN, "the cluster well", Duration::MAX, async || {
            if provisioner.runs(&record.name).await.is_ok_and(|runs| runs.none()) {
                return Ok::<_, io::Error>(Check::Done(Vacated::Stopped));
            }
            folder.begin_check()?;
            Ok(match provisioner.mend(record).await {
                Ok(()) => Check::Done(Vacated::Well),
                Err(why) => Check::NotYet(why),
            })
        })
        .await?
        .map_err(io::Error::other)
    };
    tokio::select! {
        biased;
        emptied = empty(in_use) => emptied?,
        found = looked => return found,
    }
    Ok(Vacated::Empty)
}

/// Waits until no test uses it; then none can while the lock is held.
pub(super) async fn empty(in_use: &LockFile) -> io::Result<()> {
    let locked = wait::until_or(EVERY, "the end of the tests that use it", Duration::MAX, async || {
        Ok::<_, io::Error>(if in_use.try_exclusive()? { Check::Done(()) } else { Check::not_yet("some use it") })
    });
    locked.await?.map_err(io::Error::other)
}
