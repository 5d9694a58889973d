//! A keeper's life as a sequence of phases, each with one effect on the world.
//!
//! When a keeper dies, the next one begins at the beginning and finds a state file that tells it the rest: only a
//! cluster that is ready is taken over, of anything else the remains are removed first.

use std::{
    io,
    time::{Duration, Instant},
};

use kind_core::{
    cluster::ClusterRecord,
    wait::{self, Check},
};
use kind_report::ClusterEvent;

use super::{
    Journal,
    claim::{Claim, claim},
    idle::{self, Pausing},
    phase::Phase,
    progress::Noting,
    serve::{self, Memory, Verdict},
    vacate::{self, Vacated},
};
use crate::{
    folder::Folder,
    order::Order,
    provisioner::{CreateError, Provisioner},
    state::{Found, Report, State},
    step::step,
};

/// For how long a removal is tried; the engine may be starting again.
const REMOVAL: Duration = Duration::from_secs(300);
/// For how long the remains of a failed bring-up are removed before the next one may try it.
const TIDYING: Duration = Duration::from_secs(60);
/// How often it is looked whether somebody wants a cluster that is to be made anew.
const WANTED: Duration = Duration::from_millis(20);
/// After a bring-up that was cut off, the engine may still finish what it was asked for last: so many looks in a row must
/// find nothing.
const QUIET: u32 = 6;

/// A keeper of one folder.
pub(crate) struct Life<'a> {
    folder: &'a Folder,
    order: &'a Order,
    provisioner: &'a dyn Provisioner,
    journal: &'a Journal,
    claim: Option<Claim>,
    attempt: u32,
    failures: u32,
    /// Whether a bring-up was cut off.
    interrupted: bool,
    memory: Memory,
    phase: Phase,
}

impl<'a> Life<'a> {
    pub(crate) fn new(
        folder: &'a Folder,
        order: &'a Order,
        provisioner: &'a dyn Provisioner,
        journal: &'a Journal,
    ) -> Self {
        Self {
            folder,
            order,
            provisioner,
            journal,
            claim: None,
            attempt: 0,
            failures: 0,
            interrupted: false,
            memory: Memory::default(),
            phase: Phase::Claim,
        }
    }

    pub(crate) fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Lives to the end. A file that cannot be written ends it early, and then the cluster goes first, unless a test
    /// uses it: nobody could tell any more that it is there.
    pub(crate) async fn run(&mut self) -> io::Result<()> {
        while self.phase != Phase::Over {
            if let Err(error) = self.advance().await {
                self.journal.line(format_args!("the state folder fails: {error}"));
                if self.claim().is_ok_and(|claim| claim.in_use.try_exclusive().unwrap_or(false)) {
                    self.destroy(REMOVAL).await;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Does what the phase is for, and goes on to the next.
    pub(crate) async fn advance(&mut self) -> io::Result<()> {
        step("reached a phase");
        self.phase = match self.phase.clone() {
            Phase::Claim => self.become_keeper().await?,
            Phase::Look => self.look().await?,
            Phase::Vacate(record) => self.vacate(record).await?,
            Phase::Announce => self.announce()?,
            Phase::Clear => self.clear().await,
            Phase::Create => self.create().await,
            Phase::Publish(record) => self.publish(record)?,
            Phase::Serve(record) => self.serve(record).await?,
            Phase::Pause(record) => self.pause(record).await?,
            Phase::Resume(record) => self.resume(record).await,
            Phase::Confess(error) => self.confess(&error)?,
            Phase::Tidy => {
                // What failed may have been cut off at any request.
                self.interrupted = true;
                self.destroy(TIDYING).await;
                Phase::Over
            }
            Phase::Close(record) => self.close(record).await?,
            Phase::Condemn => self.condemn()?,
            Phase::Destroy if self.destroy(REMOVAL).await => Phase::Forget,
            // What is left is swept when a keeper next starts.
            Phase::Destroy | Phase::Over => Phase::Over,
            Phase::Forget => {
                self.folder.remove()?;
                self.journal.line("removed");
                Phase::Over
            }
        };
        Ok(())
    }

    async fn become_keeper(&mut self) -> io::Result<Phase> {
        self.claim = claim(self.folder).await?;
        if self.claim.is_none() {
            self.journal.line("another keeper is at work");
            return Ok(Phase::Over);
        }
        self.journal.line(format_args!("keeper of {} for {}", self.order.key.cluster(), self.order.scope));
        self.journal.chronicle.note(&ClusterEvent::Ordered(self.order.facts()));
        Ok(Phase::Look)
    }

    async fn look(&mut self) -> io::Result<Phase> {
        let report = match self.folder.report()? {
            Found::Nothing => return Ok(Phase::Vacate(None)),
            Found::Unusable(why) => {
                self.journal.line(format_args!("the state file is replaced: {why}"));
                return Ok(Phase::Vacate(None));
            }
            Found::This(report) => report,
        };
        (self.attempt, self.failures) = (report.attempt, report.failures);
        self.interrupted = matches!(report.state, State::Creating { .. });
        let was_paused = matches!(report.state, State::Paused { .. });
        let (State::Ready { record } | State::Kept { record } | State::Paused { record }) = report.state else {
            return Ok(Phase::Announce);
        };
        // Nobody comes in before it was looked at.
        self.folder.doubt()?;
        self.folder.begin_check()?;
        let mended =
            if was_paused { self.provisioner.resume(&record).await } else { self.provisioner.mend(&record).await };
        Ok(match mended {
            Ok(()) => {
                self.journal.line("a cluster without a keeper is taken over");
                Phase::Publish(record)
            }
            Err(why) => {
                self.journal.line(format_args!("a cluster without a keeper is not well: {why}"));
                Phase::Vacate(Some(record))
            }
        })
    }

    async fn vacate(&mut self, record: Option<Box<ClusterRecord>>) -> io::Result<Phase> {
        let in_use = &self.claim()?.in_use;
        let Some(record) = record else {
            vacate::empty(in_use).await?;
            return Ok(Phase::Announce);
        };
        self.folder.doubt()?;
        Ok(match vacate::vacated(self.folder, in_use, self.provisioner, &record).await? {
            Vacated::Well => {
                self.journal.line("it is well again");
                Phase::Publish(record)
            }
            Vacated::Empty => self.replace(record, "no test uses it").await,
            Vacated::Stopped => self.replace(record, "none of its nodes runs any more").await,
        })
    }

    /// Makes a cluster anew that is of no use, as soon as a test wants one.
    async fn replace(&self, record: Box<ClusterRecord>, why: &str) -> Phase {
        let Some(claim) = &self.claim else { return Phase::Over };
        if serve::is_wanted(WANTED, WANTED, self.folder, self.order, claim).await {
            self.journal.line(format_args!("{why}: made anew"));
            return Phase::Announce;
        }
        self.journal.line(format_args!("{why}, and its run is over"));
        self.note(&ClusterEvent::Closing { why: format!("{why}, and the run is over") });
        Phase::Close(record)
    }

    fn announce(&mut self) -> io::Result<Phase> {
        self.attempt += 1;
        self.note(&ClusterEvent::Creating { attempt: self.attempt });
        self.tell(State::Creating { step: "step `remove what is left`".to_owned() })?;
        // After that nobody takes the cluster that goes for one without a doubt.
        self.folder.forget_doubts()?;
        // From here on the state keeps tests out.
        self.claim()?.in_use.unlock()?;
        Ok(Phase::Clear)
    }

    async fn clear(&mut self) -> Phase {
        if self.interrupted && self.destroy(TIDYING).await {
            self.interrupted = false;
            return Phase::Create;
        }
        match self.provisioner.destroy(&self.order.key.cluster()).await {
            Ok(_) => Phase::Create,
            Err(error) => Phase::Confess(CreateError { error, no_engine: None }),
        }
    }

    async fn create(&mut self) -> Phase {
        let report = Report::now(self.attempt, self.failures, State::Creating { step: String::new() });
        let progress = Noting::new(self.folder, self.journal, report);
        let created = tokio::select! {
            created = self.provisioner.create(self.order, &progress) => Some(created),
            () = self.abandoned() => None,
        };
        match created {
            Some(Ok(record)) => Phase::Publish(Box::new(record)),
            Some(Err(error)) => Phase::Confess(error),
            None => {
                self.journal.line("nobody wants the cluster any more");
                self.note(&ClusterEvent::Closing { why: "nobody wants it any more".to_owned() });
                self.interrupted = true;
                Phase::Condemn
            }
        }
    }

    /// Ends when the scope is over and nobody waits for the cluster; then the users' lock is held.
    async fn abandoned(&self) {
        let Some(claim) = &self.claim else { return std::future::pending().await };
        let gone = async || {
            let over = self.order.owner.as_ref().is_some_and(|owner| !owner.is_alive());
            let locked = over && claim.users.try_exclusive().unwrap_or(false);
            if locked { Check::Done(()) } else { Check::not_yet("somebody waits for it") }
        };
        if wait::until("the end of the scope", Duration::MAX, gone).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn publish(&mut self, record: Box<ClusterRecord>) -> io::Result<Phase> {
        self.failures = 0;
        self.folder.checked()?;
        self.journal.chronicle.ready(&record);
        self.tell(State::Ready { record: record.clone() })?;
        self.journal.line("ready");
        Ok(Phase::Serve(record))
    }

    async fn serve(&mut self, record: Box<ClusterRecord>) -> io::Result<Phase> {
        let mut memory = std::mem::take(&mut self.memory);
        let (claim, journal) = (self.claim()?, self.journal);
        let watched = serve::watch(self.folder, self.order, self.provisioner, journal, claim, &record, &mut memory);
        let verdict = watched.await?;
        self.memory = memory;
        Ok(match verdict {
            Verdict::Over(why) => self.over(record, why),
            Verdict::Mended => {
                self.folder.checked()?;
                self.journal.line("looked at: well");
                self.note(&ClusterEvent::Checked);
                Phase::Serve(record)
            }
            Verdict::Unused => Phase::Pause(record),
            Verdict::Broken(why) => {
                self.journal.line(format_args!("not well: {why}"));
                self.note(&ClusterEvent::Broken { why });
                Phase::Vacate(Some(record))
            }
        })
    }

    async fn pause(&mut self, record: Box<ClusterRecord>) -> io::Result<Phase> {
        self.tell(State::Paused { record: record.clone() })?;
        // From here on the state keeps tests out.
        self.claim()?.users.unlock()?;
        if let Err(why) = self.provisioner.pause(&record).await {
            self.journal.line(format_args!("it is not paused any more from now on: {why}"));
            self.memory.pausing = Pausing::Refused;
            return Ok(Phase::Resume(record));
        }
        self.journal.line("nobody uses it: paused");
        self.note(&ClusterEvent::Paused);
        if idle::is_wanted_again(self.folder, self.order, self.provisioner, self.claim()?, &record).await {
            return Ok(Phase::Resume(record));
        }
        Ok(self.over(record, serve::over(self.folder, self.order, self.claim()?).unwrap_or("nobody wants it")))
    }

    fn over(&self, record: Box<ClusterRecord>, why: &str) -> Phase {
        self.journal.line(format_args!("nobody uses it: {why}"));
        self.note(&ClusterEvent::Closing { why: why.to_owned() });
        Phase::Close(record)
    }

    async fn resume(&mut self, record: Box<ClusterRecord>) -> Phase {
        match self.provisioner.resume(&record).await {
            Ok(()) => Phase::Publish(record),
            Err(why) => {
                self.journal.line(format_args!("it does not go on: {why}"));
                self.note(&ClusterEvent::Broken { why });
                Phase::Vacate(Some(record))
            }
        }
    }

    fn confess(&mut self, error: &CreateError) -> io::Result<Phase> {
        self.failures += 1;
        self.journal.line(format_args!("the bring-up failed: {}", error.error));
        self.note(&ClusterEvent::Failed { error: error.error.clone() });
        self.tell(State::Failed { error: error.error.clone(), no_engine: error.no_engine.clone() })?;
        // Without an engine there is nothing to do, and nobody to do it.
        Ok(if error.no_engine.is_some() { Phase::Over } else { Phase::Tidy })
    }

    async fn close(&mut self, record: Box<ClusterRecord>) -> io::Result<Phase> {
        let failed = self.folder.failed_tests();
        // What disuse ends has been there for a look long enough.
        if failed.is_empty() || self.order.owner.is_none() || !self.claim()?.keeper.is_current() {
            return Ok(Phase::Condemn);
        }
        let name = self.order.key.cluster();
        self.journal.line(format_args!(
            "kept for a look, because of {}; a later run removes it when {} min have passed, `kind-rs delete cluster --name {name}` at once",
            failed.join(", "),
            self.order.idle.as_secs() / 60
        ));
        self.note(&ClusterEvent::Kept { tests: failed });
        if matches!(self.folder.report()?, Found::This(Report { state: State::Paused { .. }, .. }))
            && let Err(why) = self.provisioner.resume(&record).await
        {
            self.journal.line(format_args!("it does not go on: {why}"));
        }
        self.tell(State::Kept { record })?;
        Ok(Phase::Over)
    }

    fn condemn(&mut self) -> io::Result<Phase> {
        match self.tell(State::Deleting) {
            // Somebody removed the folder; the cluster goes all the same.
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Phase::Destroy),
        }
    }

    /// Removes the cluster, and tries again where that fails. Says whether it is gone.
    async fn destroy(&self, limit: Duration) -> bool {
        let name = self.order.key.cluster();
        let start = Instant::now();
        let (mut quiet, wanted) = (0, if self.interrupted { QUIET } else { 0 });
        let gone = wait::until_every(Duration::from_millis(100), "the removal", limit, async || {
            match self.provisioner.destroy(&name).await {
                Ok(removed) => quiet = if removed == 0 { quiet + 1 } else { 0 },
                Err(error) => return Check::NotYet(error),
            }
            if quiet < wanted { Check::not_yet("there may come more") } else { Check::Done(()) }
        });
        if let Err(error) = gone.await {
            self.journal.line(format_args!("{name} is left for a later sweep: {error}"));
            self.note(&ClusterEvent::Left { why: error.to_string() });
            return false;
        }
        let took = start.elapsed().as_secs_f64();
        self.journal.line(format_args!("the engine has nothing of {name} any more, after {took:.1} s"));
        self.note(&ClusterEvent::Removed);
        true
    }

    fn claim(&self) -> io::Result<&Claim> {
        Ok(self.claim.as_ref().ok_or(io::ErrorKind::NotConnected)?)
    }

    /// For the report.
    fn note(&self, event: &ClusterEvent) {
        self.journal.chronicle.note(event);
    }

    fn tell(&self, state: State) -> io::Result<()> {
        self.folder.write_report(&Report::now(self.attempt, self.failures, state))
    }
}
