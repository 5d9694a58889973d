//! The reporter: the detached process that writes a run's report, while the run goes on and when it is over.
//!
//! A process of its own, because the last word is said after the last test: the runner waits for no test then, and runs
//! without a keeper have a report as well.

use std::{
    fs::{self, OpenOptions},
    io,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use kind_core::{
    settings::Settings,
    wait::{self, Check},
    warnings::subscribe,
};

use super::{
    facts,
    gather::{adopt, is_in_use, is_settled, size},
    pages::{forget_old, write},
    place::Place,
};

/// For how long the reporter tries to become the only one.
const CLAIM: Duration = Duration::from_secs(2);
/// How often the reporter looks whether the run is over.
const LOOK: Duration = Duration::from_millis(100);
/// The least time between two pages.
const PACE: Duration = Duration::from_secs(2);
/// Of how much of its time the reporter may write: one part in so many.
const SHARE: u32 = 50;
/// For how long it waits for what keepers do when the run is over.
const SETTLE: Duration = Duration::from_secs(60);

/// Reports the run with these records: writes pages until the run is over, and the last one then.
pub fn run_reporter(folder: &Path) -> ExitCode {
    let settings = match Settings::from_environment() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("read the settings from the environment: {error}");
            return ExitCode::FAILURE;
        }
    };
    subscribe(settings.log.as_deref(), None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(report(&Place::at(folder), &settings))) {
        Ok(()) => ExitCode::SUCCESS,
        // Somebody removed the records: then nobody wants the report.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.exists() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("write the report of {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

async fn report(place: &Place, settings: &Settings) -> io::Result<()> {
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(place.reporter_lock())?;
    // A test that asks whether there is a reporter holds the lock for an instant.
    let locked = wait::until_every(Duration::from_millis(5), "the reporter's lock", CLAIM, async || {
        if lock.try_lock().is_ok() { Check::Done(()) } else { Check::not_yet("it is held") }
    });
    if locked.await.is_err() {
        return Ok(());
    }
    let Some(head) = place.head() else { return Ok(()) };
    fs::write(place.machine_file(), serde_json::to_vec(&facts::machine(settings).await)?)?;
    let mut pages = Pages { place, settings, size: 0, next: Instant::now() };
    let over = wait::until_or(LOOK, "the end of the run", Duration::MAX, async || {
        // A test may outlive its runner.
        let over = !head.owner.is_alive() && !is_in_use(place);
        if !over {
            pages.keep_up(true)?;
        }
        Ok::<_, io::Error>(if over || !place.path().exists() { Check::Done(()) } else { Check::not_yet("it goes on") })
    });
    // Without a limit the wait only ends with its condition.
    let _ = over.await?;
    pages.write(false)?;
    forget_old(place.artifacts())?;
    let settled = wait::until_or(LOOK, "the end of the run's clusters", SETTLE, async || {
        pages.keep_up(false)?;
        Ok::<_, io::Error>(if is_settled(place) { Check::Done(()) } else { Check::not_yet("they are there") })
    });
    // What keepers do later is not in the report.
    let _ = settled.await?;
    pages.keep_up_at_once()
}

/// The pages of a run, as they were last written.
struct Pages<'a> {
    place: &'a Place,
    settings: &'a Settings,
    size: u64,
    next: Instant,
}

impl Pages<'_> {
    /// Writes them where something is new and the last ones are old enough.
    fn keep_up(&mut self, live: bool) -> io::Result<()> {
        if Instant::now() < self.next || size(self.place) == self.size {
            return Ok(());
        }
        self.write(live)
    }

    fn keep_up_at_once(&mut self) -> io::Result<()> {
        if size(self.place) == self.size { Ok(()) } else { self.write(false) }
    }

    fn write(&mut self, live: bool) -> io::Result<()> {
        let start = Instant::now();
        if self.settings.reuse
            && let Some(state_dir) = &self.settings.state_dir
        {
            adopt(self.place, state_dir);
        }
        self.size = size(self.place);
        write(self.place, live)?;
        self.next = Instant::now() + PACE.max(start.elapsed() * SHARE);
        Ok(())
    }
}
