//! The template of fresh clusters: a snapshot that is made once, by the first test that wants one of its shape and
//! preparation, and that the clusters of all others are clones of.
//!
//! Its lock is held while it is made, and shared while a clone of it comes up. What fails while it is made is noted, so that
//! a hundred tests do not fail for it one after the other.

use std::{collections::BTreeSet, fs, io, path::PathBuf, sync::Arc, time::Duration};

use futures::future::LocalBoxFuture;
use kind_core::{
    cluster::ClusterRecord,
    snapshot::{self, Snapshot},
    spec::{ClusterName, Instance},
    wait::{self, Check},
};
use kind_engine::{Engine, EngineError};
use serde::{Deserialize, Serialize};

use super::{
    LeaseError,
    folder::{Home, create_private},
    keeper::{Effect, Extent, SweepOutcome, Swept},
    key::Key,
    lock::LockFile,
    notice::Notice,
    state::{self, Found},
};

/// How often it is looked whether another test has made it.
const EVERY: Duration = Duration::from_millis(50);
/// For how long a template stays that nobody uses.
const UNUSED: Duration = Duration::from_secs(7 * 24 * 3600);

/// What fresh clusters have in them beyond their shape.
pub struct Preparation<'a> {
    /// What people call it.
    pub name: &'a str,
    /// Tells it from other preparations.
    pub key: &'a str,
    /// Another text whenever something that it depends on has changed.
    pub contents: &'a str,
    /// Does it in a new cluster.
    pub run: &'a dyn Fn(&ClusterRecord) -> LocalBoxFuture<'static, Result<(), String>>,
}

/// One template, made or not.
pub(super) struct Template<'a> {
    engine: &'a Arc<dyn Engine>,
    home: &'a Home,
    key: Key,
    contents: String,
}

/// What a test does about its template. Until this is dropped nobody replaces it, or makes it a second time.
pub(super) struct Turn {
    _lock: LockFile,
    /// The snapshot that it has a clone made of; `None` where it makes the template.
    pub(super) snapshot: Option<Instance>,
}

/// Why the template could not be made, for the other tests of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Failure {
    run: String,
    contents: String,
    tries: u32,
    error: String,
}

impl<'a> Template<'a> {
    pub(super) fn new(engine: &'a Arc<dyn Engine>, home: &'a Home, key: Key, contents: &str) -> Self {
        Self { engine, home, key, contents: contents.to_owned() }
    }

    /// What its snapshots are called.
    pub(super) fn name(&self) -> ClusterName {
        name(&self.key)
    }

    /// Waits until it can be used or made.
    pub(super) async fn turn(&self, limit: Duration, notice: &mut Notice) -> Result<Turn, LeaseError> {
        let turn = wait::until_or(EVERY, "the template", limit, async || {
            if let Some(turn) = self.try_turn().await? {
                return Ok(Check::Done(turn));
            }
            let status = "another test makes its template";
            notice.waiting(|| status.to_owned());
            Ok(Check::not_yet(status))
        });
        turn.await?.map_err(|error| LeaseError::Busy { cluster: self.name(), limit, last: error.last })
    }

    async fn try_turn(&self) -> Result<Option<Turn>, LeaseError> {
        let file = |source| LeaseError::File { action: "lock", path: lock(self.home, &self.key), source };
        create_private(&self.home.templates()).map_err(file)?;
        // A sweep removes the file with the template.
        let held = LockFile::open(&lock(self.home, &self.key)).map_err(file)?;
        if !held.try_shared().map_err(file)? || !held.is_current() {
            return Ok(None);
        }
        if let Some(found) = self.usable().await? {
            held.touch().map_err(file)?;
            return Ok(Some(Turn { _lock: held, snapshot: Some(found) }));
        }
        held.unlock().map_err(file)?;
        if !held.try_exclusive().map_err(file)? || !held.is_current() || self.usable().await?.is_some() {
            // Between the two locks somebody may have made it, or removed it.
            return Ok(None);
        }
        held.touch().map_err(file)?;
        Ok(Some(Turn { _lock: held, snapshot: None }))
    }

    /// The last making of it that a cluster can be a clone of.
    async fn usable(&self) -> Result<Option<Instance>, LeaseError> {
        let mut found = self.makings().await.map_err(LeaseError::Engine)?;
        found.retain(|snapshot| snapshot.contents.as_ref() == Some(&self.contents));
        found.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.created));
        for snapshot in found {
            match snapshot::origin(self.engine, &snapshot).await {
                Ok(_) => return Ok(Some(snapshot.id)),
                Err(snapshot::SnapshotError::Engine(error)) => return Err(LeaseError::Engine(error)),
                // Incomplete, expired, or another version's: it is made anew.
                Err(_) => {}
            }
        }
        Ok(None)
    }

    /// Makes the snapshot of a cluster that was prepared, and removes what it replaces.
    pub(super) async fn keep(&self, cluster: &ClusterName) -> Result<(), LeaseError> {
        let earlier = self.makings().await.map_err(LeaseError::Engine)?;
        let made = snapshot::make(self.engine, &self.name(), cluster, Some(&self.contents), &|_| {}).await;
        made.map_err(|source| LeaseError::Template { cluster: cluster.clone(), source: Box::new(source) })?;
        for snapshot in earlier {
            // A clone of it may still run: then whoever makes the next one removes it, or `kind-rs gc --all`.
            snapshot::remove(&**self.engine, &snapshot.id).await.ok();
        }
        // What is not removed tells of an earlier run, and of no other.
        let _ = fs::remove_file(self.failure());
        Ok(())
    }

    async fn makings(&self) -> Result<Vec<Snapshot>, EngineError> {
        let (all, name) = (snapshot::list(&**self.engine).await?, self.name());
        Ok(all.into_iter().filter(|snapshot| snapshot.name == name).collect())
    }

    /// Why it could not be made in this run, where that is not worth another try.
    pub(super) fn failed_before(&self, run: &str, attempt: u32) -> Option<String> {
        let Ok(Found::This(failure)) = state::read::<Failure>(&self.failure()) else { return None };
        let counts = failure.run == run && failure.contents == self.contents && failure.tries >= attempt;
        counts.then_some(failure.error)
    }

    /// Notes for the other tests of the run why it could not be made.
    pub(super) fn failed(&self, run: &str, attempt: u32, error: &LeaseError) -> io::Result<()> {
        let failure = Failure {
            run: run.to_owned(),
            contents: self.contents.clone(),
            tries: attempt,
            error: super::error::chain(error),
        };
        state::write(&self.failure(), failure)
    }

    fn failure(&self) -> PathBuf {
        failure(self.home, &self.key)
    }
}

fn lock(home: &Home, key: &Key) -> PathBuf {
    home.templates().join(format!("{key}.lock"))
}

fn failure(home: &Home, key: &Key) -> PathBuf {
    home.templates().join(format!("{key}.failed"))
}

fn name(key: &Key) -> ClusterName {
    ClusterName::new(format!("template-{key}")).expect("a word and hexadecimal digits make a valid name")
}

/// Removes the templates of this state folder that nobody has used for long, and what is left of those whose making was
/// killed; with [`Extent::Spare`] all that no test uses right now. Tells of each what becomes of it.
///
/// # Errors
/// When the engine does not say which there are.
pub(super) async fn sweep(
    engine: &dyn Engine,
    home: &Home,
    extent: Extent,
    effect: Effect,
    tell: &dyn Fn(Swept),
) -> Result<(), EngineError> {
    let Ok(files) = fs::read_dir(home.templates()) else { return Ok(()) };
    let keys = files.flatten().filter_map(|file| {
        let file = file.file_name();
        Key::parse(file.to_str()?.strip_suffix(".lock")?)
    });
    let keys: BTreeSet<Key> = keys.collect();
    if keys.is_empty() {
        return Ok(());
    }
    let snapshots = snapshot::list(engine).await?;
    for key in keys {
        let tell = |outcome| tell(Swept { what: format!("template {}", name(&key)), outcome });
        let held = LockFile::open(&lock(home, &key)).and_then(|held| Ok(held.try_exclusive()?.then_some(held)));
        let Ok(Some(held)) = held else {
            tell(SweepOutcome::Stays("a test uses it".to_owned()));
            continue;
        };
        let unused = held.touched().ok().and_then(|touched| touched.elapsed().ok()).unwrap_or_default();
        let mut is_left = effect == Effect::Tell;
        for snapshot in snapshots.iter().filter(|snapshot| snapshot.name == name(&key)) {
            match fate(snapshot, unused, extent) {
                Err(why) => {
                    is_left = true;
                    tell(SweepOutcome::Stays(why.to_owned()));
                }
                Ok(why) if effect == Effect::Tell => tell(SweepOutcome::Goes(why)),
                Ok(why) => {
                    tell(SweepOutcome::Goes(why));
                    let removed = snapshot::remove(engine, &snapshot.id).await;
                    is_left |= removed.is_err();
                    tell(match removed {
                        Ok(_) => SweepOutcome::Gone(why),
                        Err(error) => SweepOutcome::Failed(super::error::chain(&error)),
                    });
                }
            }
        }
        if !is_left {
            // Whoever waits for the lock sees that the path does not name it any more.
            for file in [failure(home, &key), lock(home, &key)] {
                let _ = fs::remove_file(file);
            }
        }
    }
    Ok(())
}

/// Why it goes, or why it stays.
fn fate(snapshot: &Snapshot, unused: Duration, extent: Extent) -> Result<&'static str, &'static str> {
    const LATER: &str = "it is for later runs";
    if !snapshot.is_complete() {
        return Ok("its making was killed");
    }
    if unused >= UNUSED {
        return Ok("nobody used it for a week");
    }
    if extent == Extent::Spare { Ok(LATER) } else { Err(LATER) }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use kind_engine::FakeEngine;

    use super::*;
    use crate::tests::Fixture;

    const KEY: &str = "0123456789";

    /// A node's image of a making of the template that has two.
    fn add(engine: &FakeEngine, id: &str, node: &str) {
        let labels = [
            ("io.kind-rs.snapshot", "template-0123456789"),
            ("io.kind-rs.snapshot.id", id),
            ("io.kind-rs.snapshot.node", node),
            ("io.kind-rs.snapshot.nodes", "2"),
            ("io.kind-rs.snapshot.kubernetes-version", "v1.37.2"),
            ("io.kind-rs.snapshot.created", "1"),
            ("io.kind-rs.snapshot.expires", "9999999999"),
            ("io.kind-rs.snapshot.contents", "new"),
        ];
        engine.add_image(&format!("kind-rs/snapshot:{id}-{node}"), &labels);
    }

    async fn swept(fixture: &Fixture, extent: Extent, effect: Effect) -> Vec<SweepOutcome> {
        let told = RefCell::new(Vec::new());
        let tell = |swept: Swept| told.borrow_mut().push(swept.outcome);
        sweep(&*fixture.engine, &fixture.home, extent, effect, &tell).await.unwrap();
        told.into_inner()
    }

    fn hold(fixture: &Fixture) -> LockFile {
        create_private(&fixture.home.templates()).unwrap();
        LockFile::open(&lock(&fixture.home, &Key::parse(KEY).unwrap())).unwrap()
    }

    #[tokio::test]
    async fn one_that_is_used_stays_and_one_for_later_goes_when_all_go() {
        let fixture = Fixture::new().await;
        add(&fixture.engine, "1", "a");
        add(&fixture.engine, "1", "b");
        let held = hold(&fixture);
        assert!(held.try_shared().unwrap());
        let in_use = [SweepOutcome::Stays("a test uses it".to_owned())];
        assert_eq!(swept(&fixture, Extent::Spare, Effect::Remove).await, in_use);
        held.unlock().unwrap();
        let later = "it is for later runs";
        let stays = [SweepOutcome::Stays(later.to_owned())];
        assert_eq!(swept(&fixture, Extent::Ownerless, Effect::Remove).await, stays);
        assert_eq!(swept(&fixture, Extent::Spare, Effect::Tell).await, [SweepOutcome::Goes(later)]);
        assert!(held.is_current());
        let gone = [SweepOutcome::Goes(later), SweepOutcome::Gone(later)];
        assert_eq!(swept(&fixture, Extent::Spare, Effect::Remove).await, gone);
        assert_eq!((snapshot::list(&*fixture.engine).await.unwrap().len(), held.is_current()), (0, false));
    }

    #[tokio::test]
    async fn what_a_killed_test_left_and_what_nobody_used_for_long_goes() {
        let fixture = Fixture::new().await;
        add(&fixture.engine, "1", "a");
        let held = hold(&fixture);
        let gone = |why| [SweepOutcome::Goes(why), SweepOutcome::Gone(why)];
        let killed = swept(&fixture, Extent::Ownerless, Effect::Remove).await;
        assert_eq!(killed, gone("its making was killed"));
        drop(held);
        add(&fixture.engine, "2", "a");
        add(&fixture.engine, "2", "b");
        hold(&fixture).disuse().unwrap();
        let old = swept(&fixture, Extent::Ownerless, Effect::Remove).await;
        assert_eq!(old, gone("nobody used it for a week"));
    }

    #[tokio::test]
    async fn a_failure_counts_for_its_run_and_its_contents() {
        let fixture = Fixture::new().await;
        create_private(&fixture.home.templates()).unwrap();
        let engine: Arc<dyn Engine> = Arc::<FakeEngine>::clone(&fixture.engine);
        let template = |contents| Template::new(&engine, &fixture.home, Key::parse(KEY).unwrap(), contents);
        let error = LeaseError::TemplateFailed { error: "no chart".to_owned() };
        template("new").failed("run 1", 1, &error).unwrap();
        let known = template("new").failed_before("run 1", 1);
        assert!(known.is_some_and(|text| text.contains("no chart")));
        assert_eq!(template("new").failed_before("run 1", 2), None, "the runner tries the test again");
        assert_eq!(template("new").failed_before("run 2", 1), None);
        assert_eq!(template("changed").failed_before("run 1", 1), None);
    }
}
