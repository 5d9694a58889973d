//! Removing what earlier keepers left when they were killed, and what is only kept for later where that is wanted.
//!
//! Only clusters of this very state folder are looked at, and each only with its own locks held: so whatever is
//! removed has neither a user nor a keeper, and nobody can come in meanwhile.

use std::{
    collections::BTreeSet,
    fs, io,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use kind_core::wait::{self, Check};

use crate::{
    fate::Fate,
    folder::{Folder, Home, ignore_missing},
    key::Key,
    lock::LockFile,
    provisioner::Provisioner,
    state::Found,
    step::step,
};

/// How long a living keeper gets to remove its cluster, when it is asked to.
const KEEPER: Duration = Duration::from_secs(180);

/// Which clusters go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Those that nobody needs any more.
    Ownerless,
    /// Those that are kept for a look or for the next run as well, where no test uses them.
    Spare,
}

/// What is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// They are removed.
    Remove,
    /// Nothing.
    Tell,
}

/// What a sweep tells while it works.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// What it is about, such as `cluster kt-0123456789`.
    pub what: String,
    /// What becomes of it.
    pub outcome: SweepOutcome,
}

/// What becomes of something that a sweep found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SweepOutcome {
    /// It goes, and why: its removal begins, or would begin.
    Goes(&'static str),
    /// It is removed, after it was told that it goes.
    Gone(&'static str),
    /// It stays, and why.
    Stays(String),
    /// It could not be removed.
    Failed(String),
}

/// One pass over a state folder.
pub(crate) struct Sweep<'a> {
    pub(crate) home: &'a Home,
    pub(crate) provisioner: &'a dyn Provisioner,
    pub(crate) extent: Extent,
    pub(crate) effect: Effect,
    /// For how long a folder without a usable order stays.
    pub(crate) unknown: Duration,
    pub(crate) tell: &'a dyn Fn(Swept),
}

/// What a look at one cluster came to.
enum Look {
    Stays(String),
    /// It goes; the locks keep everybody out until they are dropped.
    Goes(&'static str, [LockFile; 2]),
    /// It is for the next run, and its living keeper must remove it.
    Spare(LockFile),
}

impl Sweep<'_> {
    /// Looks at every cluster but one.
    pub(crate) async fn run(&self, but: Option<&Key>) {
        // Before anything else: what this very sweep removes passes through the trash as well.
        let trash = self.home.trash();
        // Then the engine: a cluster that comes into being later has a folder by then.
        let made: BTreeSet<Key> = match self.provisioner.made_here().await {
            Ok(keys) => keys.into_iter().collect(),
            Err(error) => return self.tell("the engine".to_owned(), SweepOutcome::Failed(error)),
        };
        let mut keys = made.clone();
        match self.home.folders() {
            Ok(folders) => keys.extend(folders.iter().map(|folder| folder.key().clone())),
            Err(error) => self.tell("the state folder".to_owned(), SweepOutcome::Failed(error.to_string())),
        }
        for key in keys.iter().filter(|key| Some(*key) != but) {
            let folder = self.home.folder(key);
            // What has neither is gone meanwhile.
            if folder.exists() || made.contains(key) {
                let outcome = self.one(&folder).await.unwrap_or_else(SweepOutcome::Failed);
                self.tell(format!("cluster {}", key.cluster()), outcome);
            }
        }
        if let Err(error) = trash.and_then(|trash| self.empty(trash)) {
            self.tell("the state folder".to_owned(), SweepOutcome::Failed(error.to_string()));
        }
    }

    fn tell(&self, what: String, outcome: SweepOutcome) {
        (self.tell)(Swept { what, outcome });
    }

    /// Removes one cluster and its folder, where nobody needs them.
    pub(crate) async fn one(&self, folder: &Folder) -> Result<SweepOutcome, String> {
        let words = |error: io::Error| error.to_string();
        let mut asked = false;
        loop {
            if self.effect == Effect::Tell && !folder.exists() {
                return Ok(SweepOutcome::Goes(NOBODY));
            }
            match self.look(folder).map_err(words)? {
                Look::Stays(why) => return Ok(SweepOutcome::Stays(why)),
                Look::Goes(why, _) if self.effect == Effect::Tell => return Ok(SweepOutcome::Goes(why)),
                Look::Spare(_) if self.effect == Effect::Tell => return Ok(SweepOutcome::Goes(NEXT_RUN)),
                Look::Goes(why, _locks) => {
                    if !asked {
                        self.tell(format!("cluster {}", folder.key().cluster()), SweepOutcome::Goes(why));
                    }
                    step("is about to sweep a cluster");
                    self.provisioner.destroy(&folder.key().cluster()).await?;
                    step("swept a cluster");
                    folder.remove().map_err(words)?;
                    return Ok(SweepOutcome::Gone(why));
                }
                Look::Spare(_) if asked => return Ok(SweepOutcome::Stays("a test came for it".to_owned())),
                Look::Spare(users) => {
                    asked = true;
                    self.tell(format!("cluster {}", folder.key().cluster()), SweepOutcome::Goes(NEXT_RUN));
                    users.disuse().map_err(words)?;
                    drop(users);
                    if keeper_is_done(folder).await? {
                        return Ok(SweepOutcome::Gone(NEXT_RUN));
                    }
                }
            }
        }
    }

    fn look(&self, folder: &Folder) -> io::Result<Look> {
        // A cluster without a folder gets one, so that its locks keep out who would make it anew meanwhile.
        folder.create()?;
        let users = folder.users()?;
        // First the users' lock: who has that takes a held keeper's lock for a living keeper.
        if !users.try_exclusive()? {
            return Ok(Look::Stays(in_use(folder)));
        }
        let keeper = folder.keeper()?;
        if !keeper.try_exclusive()? {
            return Ok(match folder.order()? {
                Found::This(order) if order.owner.is_none() && self.extent == Extent::Spare => Look::Spare(users),
                Found::This(order) if order.owner.is_none() => Look::Stays(format!("{NEXT_RUN}; its keeper lives")),
                _ => Look::Stays("its keeper lives".to_owned()),
            });
        }
        if !users.is_current() || !keeper.is_current() {
            return Ok(Look::Stays("somebody else removes it".to_owned()));
        }
        let unused = users.touched()?.elapsed().unwrap_or_default();
        Ok(match Fate::of(folder, unused, self.unknown)? {
            Fate::Due(why) => Look::Goes(why, [users, keeper]),
            Fate::Spare { because, .. } if self.extent == Extent::Spare => Look::Goes(because, [users, keeper]),
            Fate::Spare { left, because } => Look::Stays(format!("{because}, for {} s more", left.as_secs())),
            Fate::Wanted => Look::Stays("its run goes on".to_owned()),
        })
    }

    /// Removes what a removal that was killed half-way left.
    fn empty(&self, trash: Vec<PathBuf>) -> io::Result<()> {
        for path in trash {
            let what = format!("{} {}", if path.is_dir() { "folder" } else { "file" }, path.display());
            self.tell(what.clone(), SweepOutcome::Goes(HALF_REMOVED));
            if self.effect == Effect::Remove {
                ignore_missing(if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) })?;
                self.tell(what, SweepOutcome::Gone(HALF_REMOVED));
            }
        }
        Ok(())
    }
}

const NOBODY: &str = "nobody knows it";
const NEXT_RUN: &str = "it is for the next run";
const HALF_REMOVED: &str = "its removal was not finished";

fn in_use(folder: &Folder) -> String {
    let holders = folder.live_holders();
    match holders.as_slice() {
        [] => "somebody is about to use it, or removes it".to_owned(),
        [one] => format!("test `{}` uses it", one.test),
        [first, more @ ..] => format!("test `{}` and {} more use it", first.test, more.len()),
    }
}

/// Waits until a keeper has removed its cluster. Says whether it has; where it did not get to it, it is to be looked at
/// again.
async fn keeper_is_done(folder: &Folder) -> Result<bool, String> {
    let done = wait::until_or(Duration::from_millis(50), "the keeper's removal", KEEPER, async || {
        let used = || Ok::<_, io::Error>(folder.users()?.touched()? != SystemTime::UNIX_EPOCH);
        Ok::<_, io::Error>(if !folder.exists() {
            Check::Done(true)
        } else if !folder.has_keeper()? || used()? {
            Check::Done(false)
        } else {
            Check::not_yet("its keeper has not removed it")
        })
    });
    match done.await {
        // The folder went between two looks.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error.to_string()),
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(format!("{error}; its keeper's log is {}", folder.log().display())),
    }
}
