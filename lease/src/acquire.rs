//! How a test gets a lease: through the door, then to a cluster that is ready and has a living keeper.
//!
//! Nothing here talks to the engine but the question whether there is one, and that only before a keeper is started.

use std::{
    fs, io,
    rc::Rc,
    time::{Duration, Instant},
};

use kind_core::{
    access::Access,
    cluster::ClusterRecord,
    settings::Keep,
    wait::{self, Check},
};

use super::{
    Holder, Lease, LeaseError,
    error::tail,
    folder::{Folder, Home},
    lock::{LockFile, Seat},
    marks::{Held, Waiting},
    notice::Notice,
    order::Order,
    starter::{Started, Starter},
    state::{Found, Report, State},
    step::step,
};

/// How often a lock or a state is looked at.
const EVERY: Duration = Duration::from_millis(10);
/// A keeper whose state does not change for so long hangs: every step of a bring-up has a shorter limit.
const STUCK: Duration = Duration::from_secs(15 * 60);
/// How many bring-ups may fail, one after the other, before tests fail without another try.
const TRIES: u32 = 2;
/// How often a keeper that dies before the cluster is up is started again.
const STARTS: u32 = 3;
/// For how long failures of an earlier run of the same user count.
const REMEMBERED: Duration = Duration::from_secs(60);

/// A test on its way to a lease.
pub(super) struct Request<'a> {
    pub(super) home: &'a Home,
    pub(super) order: &'a Order,
    pub(super) access: Access,
    pub(super) holder: &'a Holder,
    pub(super) keep: Keep,
    /// Which try of the test this is; a further one may try a further bring-up.
    pub(super) attempt: u32,
    /// How long it waits.
    pub(super) wait: Duration,
    pub(super) starter: Rc<dyn Starter>,
}

/// What came of the wait for the users' lock.
enum Entered {
    /// It is held.
    In(Seat),
    /// The folder was removed meanwhile.
    Gone,
    /// Others have it for too long: who.
    TooLate(String),
}

/// What a waiting test remembers between two looks.
struct Watch {
    notice: Notice,
    /// The last attempt that was over when the test came; a later one that fails is the test's own failure.
    seen: Option<u32>,
    starts: u32,
    /// The keeper that this test started, and the lock that keeps others from starting one meanwhile.
    starting: Option<(LockFile, Box<dyn Started>)>,
    last: Option<(Found<Report>, Instant)>,
}

impl Watch {
    /// Says what the keeper warned of, where this test started it.
    fn tell_warnings(&self, folder: &Folder) {
        let told =
            if self.starts > 0 { fs::read_to_string(folder.warnings()).unwrap_or_default() } else { String::new() };
        told.lines().for_each(|line| self.notice.say(&format!("warning: {}", line.trim())));
    }

    /// Whether a living keeper has not written anything for too long.
    fn hangs(&mut self, found: &Found<Report>) -> bool {
        match &self.last {
            Some((last, when)) if last == found => when.elapsed() > STUCK,
            _ => {
                self.last = Some((found.clone(), Instant::now()));
                false
            }
        }
    }
}

impl Request<'_> {
    pub(super) async fn lease(&self) -> Result<Lease, LeaseError> {
        let folder = self.home.folder(&self.order.key);
        let mut notice = Notice::new(self.holder, &self.order.key);
        let start = Instant::now();
        loop {
            if !folder.exists() {
                self.starter.check().await.map_err(LeaseError::Engine)?;
            }
            // The folder may be removed at any moment until the lock is held: then it all begins again.
            notice.unlist();
            match self.enter(&folder, &mut notice, start).await {
                Ok(Entered::In(seat)) => return self.take(&folder, seat, notice, start).await,
                Ok(Entered::Gone) => {}
                Ok(Entered::TooLate(last)) => return Err(self.too_late(last)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(file("lock", &folder, source)),
            }
        }
    }

    /// Gets the users' lock.
    async fn enter(&self, folder: &Folder, notice: &mut Notice, start: Instant) -> io::Result<Entered> {
        folder.create()?;
        let mut door = folder.door(self.access)?;
        let entered = wait::until_or(EVERY, "the users' lock", self.left(start), async || {
            if door.try_enter()? {
                return Ok(Check::Done(()));
            }
            if notice.waiting(|| users(folder)) {
                self.list(folder, notice);
            }
            Ok::<_, io::Error>(Check::not_yet("others use the cluster"))
        });
        if entered.await?.is_err() {
            return Ok(Entered::TooLate(users(folder)));
        }
        if !door.is_current() {
            return Ok(Entered::Gone);
        }
        let seat = door.into_seat();
        seat.touch();
        Ok(Entered::In(seat))
    }

    /// How much longer it waits.
    fn left(&self, start: Instant) -> Duration {
        self.wait.saturating_sub(start.elapsed())
    }

    fn too_late(&self, last: String) -> LeaseError {
        LeaseError::Busy { cluster: self.order.key.cluster(), limit: self.wait, last }
    }

    /// With the users' lock held nobody removes the folder: waits until the cluster can be used.
    async fn take(&self, folder: &Folder, seat: Seat, notice: Notice, start: Instant) -> Result<Lease, LeaseError> {
        folder.ask_for_check().map_err(|source| file("ask for a check in", folder, source))?;
        let mut watch = Watch { notice, seen: None, starts: 0, starting: None, last: None };
        let settled =
            wait::until_or(EVERY, "the cluster", self.left(start), async || self.look(folder, &mut watch).await).await;
        watch.tell_warnings(folder);
        let (record, in_use) = settled?.map_err(|error| self.too_late(error.last))?;
        watch.notice.done();
        let note = || {
            if self.access.is_alone() {
                folder.claim()?;
            }
            self.renew(folder)?;
            Held::note(folder, &self.holder.test, self.access)
        };
        let held = note().map_err(|source| file("note the lease in", folder, source))?;
        let starter = Rc::clone(&self.starter);
        Ok(Lease {
            folder: folder.clone(),
            record,
            access: self.access,
            keep: self.keep,
            held,
            seat,
            _in_use: in_use,
            starter,
        })
    }

    fn list(&self, folder: &Folder, notice: &mut Notice) {
        notice.list(|since| Waiting::note(folder, &self.holder.test, self.access, since));
    }

    /// Tells the keeper of a cluster that disuse ends this user's present limits. Those it was made with may be of an
    /// earlier run.
    fn renew(&self, folder: &Folder) -> io::Result<()> {
        match folder.order()? {
            Found::This(order)
                if order.owner.is_none() && (order.idle, order.pause) != (self.order.idle, self.order.pause) =>
            {
                folder.write_order(&Order { idle: self.order.idle, pause: self.order.pause, ..order })
            }
            _ => Ok(()),
        }
    }

    /// Looks once. The keeper before the state: a keeper that is there now may have written the state since, but not
    /// the other way round.
    async fn look(&self, folder: &Folder, watch: &mut Watch) -> Result<Check<(ClusterRecord, LockFile)>, LeaseError> {
        let has_keeper = folder.has_keeper().map_err(|source| file("look for the keeper in", folder, source))?;
        let found = folder.report().map_err(|source| file("read the state in", folder, source))?;
        let report = match &found {
            Found::This(report) => Some(report),
            Found::Nothing | Found::Unusable(_) => None,
        };
        let seen = *watch.seen.get_or_insert_with(|| over_on_arrival(report));
        if has_keeper {
            watch.starting = None;
        }
        if let Some(report) = report {
            match &report.state {
                State::Failed { error, no_engine } if report.attempt > seen || self.gives_up(report) => {
                    return Err(self.failed(report, error, no_engine.as_ref()));
                }
                State::Ready { record } if has_keeper && !folder.needs_check() => {
                    let in_use =
                        use_cluster(folder, &found).map_err(|source| file("lock the cluster of", folder, source))?;
                    if let Some(in_use) = in_use {
                        return Ok(Check::Done((record.as_ref().clone(), in_use)));
                    }
                }
                _ => {}
            }
        }
        let status = status(&found, folder.needs_check());
        if !has_keeper {
            self.start_keeper(folder, &found, watch).await?;
        } else if !is_vacated(&found, folder) && watch.hangs(&found) {
            return Err(self.stuck(folder, watch));
        }
        if watch.notice.waiting(|| status.clone()) {
            self.list(folder, &mut watch.notice);
        }
        Ok(Check::NotYet(status))
    }

    /// Starts a keeper, unless one is starting. Only one test at a time does.
    async fn start_keeper(&self, folder: &Folder, found: &Found<Report>, watch: &mut Watch) -> Result<(), LeaseError> {
        if let Some((_, keeper)) = &watch.starting {
            if keeper.ended().is_none() {
                return Ok(());
            }
            watch.starting = None;
        }
        let start = || {
            let lock = folder.starting()?;
            Ok(lock.try_exclusive()?.then_some(lock))
        };
        let Some(lock) = start().map_err(|source| file("lock the start of a keeper in", folder, source))? else {
            return Ok(());
        };
        if watch.starts == STARTS {
            let (cluster, log) = (self.order.key.cluster(), folder.log());
            return Err(LeaseError::Keeper { cluster, starts: STARTS, tail: tail(&log), log });
        }
        if let Found::Unusable(why) = found {
            watch.notice.say(&format!("the state in {} is replaced: {why}", folder.path().display()));
        }
        self.starter.check().await.map_err(LeaseError::Engine)?;
        watch.starts += 1;
        step("is about to start a keeper");
        let started = folder.write_order(self.order).and_then(|()| self.starter.start(folder));
        let keeper = started.map_err(|source| file("start a keeper in", folder, source))?;
        step("started a keeper");
        watch.starting = Some((lock, keeper));
        Ok(())
    }

    /// Whether a bring-up that failed before is not worth another one.
    fn gives_up(&self, report: &Report) -> bool {
        let counts = self.order.owner.is_some() || report.age() < REMEMBERED;
        counts && report.failures >= TRIES.max(self.attempt)
    }

    fn failed(&self, report: &Report, error: &str, no_engine: Option<&String>) -> LeaseError {
        match no_engine {
            Some(reason) => LeaseError::NoEngine { reason: reason.clone() },
            None => LeaseError::Creation {
                cluster: self.order.key.cluster(),
                error: error.to_owned(),
                failures: report.failures,
            },
        }
    }

    fn stuck(&self, folder: &Folder, watch: &Watch) -> LeaseError {
        let (cluster, log) = (self.order.key.cluster(), folder.log());
        let (last, elapsed) = match &watch.last {
            Some((found, when)) => (status(found, folder.needs_check()), when.elapsed()),
            None => ("nothing".to_owned(), Duration::ZERO),
        };
        LeaseError::Stuck { cluster, elapsed, last, log }
    }
}

/// Whether the keeper looks at the cluster, or waits for the tests that still use it: that takes as long as they do.
fn is_vacated(found: &Found<Report>, folder: &Folder) -> bool {
    matches!(found, Found::This(Report { state: State::Ready { .. }, .. })) && folder.needs_check()
}

/// Takes hold of the cluster that the state tells of; `None` where its keeper has second thoughts.
fn use_cluster(folder: &Folder, found: &Found<Report>) -> io::Result<Option<LockFile>> {
    let in_use = folder.in_use()?;
    let locked = in_use.try_shared()?;
    step("took hold of the cluster");
    // With the lock held the keeper removes it no more, but it may have begun to before.
    let still = locked && !folder.needs_check() && folder.report()? == *found;
    Ok(still.then_some(in_use))
}

/// The last attempt that was over when a test came.
fn over_on_arrival(report: Option<&Report>) -> u32 {
    match report {
        None => 0,
        Some(Report { attempt, state: State::Creating { .. }, .. }) => attempt.saturating_sub(1),
        Some(report) => report.attempt,
    }
}

/// What a waiting test says of the cluster.
fn status(found: &Found<Report>, needs_check: bool) -> String {
    let report = match found {
        Found::This(report) => report,
        Found::Nothing | Found::Unusable(_) => return "its keeper starts".to_owned(),
    };
    match &report.state {
        State::Creating { step } => format!("{step}, {} s", report.age().as_secs()),
        State::Ready { .. } if needs_check => "its keeper looks whether it is well".to_owned(),
        State::Ready { .. } | State::Kept { .. } => "it gets a new keeper".to_owned(),
        State::Paused { .. } => "it was paused, and goes on".to_owned(),
        State::Failed { .. } => "the remains of a failed bring-up are removed".to_owned(),
        State::Deleting => "the remains of a removal are removed".to_owned(),
    }
}

/// What a test says that waits for the lock.
fn users(folder: &Folder) -> String {
    let holders = folder.live_holders();
    let Some(first) = holders.iter().find(|mark| mark.access.is_alone()).or(holders.first()) else {
        return match folder.report() {
            Ok(Found::This(Report { state: State::Deleting, .. })) => "it is removed, then made anew".to_owned(),
            _ => "others wait for it as well".to_owned(),
        };
    };
    match holders.len() {
        1 => format!("`{}` uses it", first.test),
        count => format!("`{}` and {} others use it", first.test, count - 1),
    }
}

fn file(action: &'static str, folder: &Folder, source: io::Error) -> LeaseError {
    LeaseError::File { action, path: folder.path().to_owned(), source }
}
