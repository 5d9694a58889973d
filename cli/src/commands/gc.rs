//! `kind-rs gc`.

use std::{cell::RefCell, sync::Arc};

use kind_engine::Engine;
use kind_images::{ImageUse, OldImage, old_images};
use kind_lease::{Effect, Extent, SweepOutcome, Swept, collect, collect_orphans};

use crate::{args::Gc, failure::Failure, output::print, session::Session, table::size};

/// What there was to remove.
#[derive(Default)]
struct Count {
    all: usize,
    failed: usize,
    /// The first result that could not be printed.
    unprinted: Option<Failure>,
}

/// Tells and counts what becomes of everything.
struct Tally<'a> {
    session: &'a Session<'a>,
    dry_run: bool,
    count: RefCell<Count>,
}

pub(crate) async fn run(session: &Session<'_>, args: Gc) -> Result<(), Failure> {
    let engine = session.engine().await?;
    let tally = Tally { session, dry_run: args.dry_run, count: RefCell::default() };
    let extent = if args.all { Extent::Spare } else { Extent::Ownerless };
    let effect = if args.dry_run { Effect::Tell } else { Effect::Remove };
    collect(&session.settings, Arc::clone(&engine), extent, effect, &|swept| tally.swept(swept)).await?;
    collect_orphans(&*engine, effect, &|swept| tally.swept(swept)).await?;
    if args.images {
        for image in old_images(&*engine).await? {
            tally.image(&*engine, image).await;
        }
    }
    tally.sum_up()
}

impl Tally<'_> {
    fn swept(&self, Swept { what, outcome, .. }: Swept) {
        match outcome {
            SweepOutcome::Goes(why) => self.goes(&what, why),
            SweepOutcome::Gone(why) => self.gone(&what, why),
            SweepOutcome::Stays(why) => self.session.console.note(&format!("{what} stays: {why}")),
            SweepOutcome::Failed(reason) => self.failed(&Failure::NotRemoved { what, reason }),
            _ => {}
        }
    }

    async fn image(&self, engine: &dyn Engine, image: OldImage) {
        let what = format!("image {}", image.reference);
        if let ImageUse::By(container) = image.used {
            return self.session.console.note(&format!("{what} stays: container {container} uses it"));
        }
        let why = format!("today's inputs make another one ({})", size(image.size));
        self.goes(&what, &why);
        if self.dry_run {
            return;
        }
        match engine.remove_image(&image.reference).await {
            Ok(()) => self.gone(&what, &why),
            Err(error) => self.failed(&Failure::Engine(error)),
        }
    }

    fn goes(&self, what: &str, why: &str) {
        if self.dry_run {
            self.count.borrow_mut().all += 1;
            self.print(&format!("would remove {what}: {why}"));
        } else {
            self.session.console.note(&format!("removing {what}: {why}"));
        }
    }

    fn gone(&self, what: &str, why: &str) {
        self.count.borrow_mut().all += 1;
        self.print(&format!("removed {what}: {why}"));
    }

    fn failed(&self, failure: &Failure) {
        self.session.console.failure(failure);
        let mut count = self.count.borrow_mut();
        count.all += 1;
        count.failed += 1;
    }

    fn print(&self, line: &str) {
        if let Err(failure) = print(line) {
            self.count.borrow_mut().unprinted.get_or_insert(failure);
        }
    }

    fn sum_up(self) -> Result<(), Failure> {
        let Count { all, failed, unprinted } = self.count.into_inner();
        if all == 0 {
            self.session.console.note("there is nothing to remove");
        }
        match unprinted {
            _ if failed > 0 => Err(Failure::SomeNotRemoved { failed, all }),
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}
