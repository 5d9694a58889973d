//! Becoming the one keeper of a folder.

use std::{io, time::Duration};

use kind_core::wait::{self, Check};

use crate::{folder::Folder, lock::LockFile};

/// Others only ever hold the lock for an instant, to ask whether there is a keeper.
const LIMIT: Duration = Duration::from_secs(2);

/// The locks of a keeper. The files are opened once, so that they stay the same when the folder goes.
#[derive(Debug)]
pub(super) struct Claim {
    /// Held as long as the keeper lives.
    pub(super) keeper: LockFile,
    /// Held exclusively to close the cluster.
    pub(super) users: LockFile,
    /// Held exclusively to make the cluster anew under nobody.
    pub(super) in_use: LockFile,
}

/// Takes the keeper's lock; `None` where another keeper has it, or the folder is gone.
pub(super) async fn claim(folder: &Folder) -> io::Result<Option<Claim>> {
    let keeper = match folder.keeper() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let locked = wait::until_or(Duration::from_millis(5), "the keeper's lock", LIMIT, async || {
        Ok::<_, io::Error>(if keeper.try_exclusive()? { Check::Done(()) } else { Check::not_yet("it is held") })
    });
    if locked.await?.is_err() || !keeper.is_current() {
        return Ok(None);
    }
    Ok(Some(Claim { keeper, users: folder.users()?, in_use: folder.in_use()? }))
}
