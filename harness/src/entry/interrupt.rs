//! What ends tests early: SIGTERM, which test runners send before they kill, SIGINT from the terminal, and a test that blocks
//! its thread beyond its limit, which nothing but the end of the process ends.
//!
//! One thread of the process listens, whatever the tests' own threads are busy with. Each test then says what it was doing,
//! writes what it can in time, gives its cluster back and fails. A second signal ends the process at once.

use std::{
    io::{self, Write as _},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use kind_core::{
    wait::{self, Check},
    warnings::warn,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// How often the listening thread looks whether all tests are over.
const EVERY: Duration = Duration::from_millis(20);
/// How long a test has to notice. One whose body blocks its thread does not.
const NOTICE: Duration = Duration::from_secs(1);
/// How long everything may take, before the process ends: nextest kills after 10 s, where nothing else is set.
const GRACE: Duration = Duration::from_secs(9);

/// How often the listening thread looks for a test that is beyond its limit.
const LOOK: Duration = Duration::from_millis(250);

/// What ends all tests of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
    /// The test of this name does not end at its limit.
    Blocked(Arc<str>),
}

impl Cause {
    /// The process' exit code: what shells show for one that a signal ended, or libtest's for failed tests.
    fn exit_code(&self) -> i32 {
        match self {
            Self::Terminate => 128 + 15,
            Self::Interrupt => 128 + 2,
            Self::Blocked(_) => 101,
        }
    }
}

/// A running test, as the listening thread knows it.
#[async_trait(?Send)]
pub(super) trait Interrupted: Send + Sync {
    /// Its name.
    fn name(&self) -> &str;

    /// The test does not react: tells what is known without its help, within the limit.
    async fn tell_for_it(&self, cause: &Cause, limit: Duration);

    /// Whether the process was started for this test alone, and ends with it.
    fn is_alone(&self) -> bool;
}

/// A test's registration. Dropping it, and all that were cloned from it, is the test's end.
#[derive(Clone)]
pub(super) struct Running {
    causes: watch::Receiver<Option<Cause>>,
    progress: Arc<Progress>,
}

/// What the listening thread sees of a test.
#[derive(Default)]
struct Progress {
    /// The test knows that it is to end.
    noticed: AtomicBool,
    /// When it must have got further.
    due: Mutex<Option<Instant>>,
}

impl Progress {
    fn due(&self) -> MutexGuard<'_, Option<Instant>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Entry {
    test: Weak<dyn Interrupted>,
    /// Gone when the test is over.
    progress: Weak<Progress>,
}

/// Everything that the listening thread and the tests share.
struct Listener {
    sender: watch::Sender<Option<Cause>>,
    running: Mutex<Vec<Entry>>,
}

static LISTENER: OnceLock<Arc<Listener>> = OnceLock::new();

fn start_listener() -> Arc<Listener> {
    let listener = Arc::new(Listener { sender: watch::Sender::new(None), running: Mutex::default() });
    let shared = Arc::clone(&listener);
    // Without the thread, signals do what they do to any program.
    let started = std::thread::Builder::new().name("kind-signals".to_owned()).spawn(move || {
        let Err(error) = shared.listen();
        warn(format_args!("listen for signals: {error}"));
    });
    if let Err(error) = started {
        warn(format_args!("start a thread that listens for signals: {error}"));
    }
    listener
}

/// A test begins.
pub(super) fn register<T: Interrupted + 'static>(test: &Arc<T>) -> Running {
    let listener = LISTENER.get_or_init(start_listener);
    let progress = Arc::<Progress>::default();
    let test: Arc<dyn Interrupted> = Arc::<T>::clone(test);
    let mut running = listener.running();
    running.retain(|entry| entry.progress.strong_count() > 0);
    running.push(Entry { test: Arc::downgrade(&test), progress: Arc::downgrade(&progress) });
    Running { causes: listener.sender.subscribe(), progress }
}

impl Running {
    /// A registration with nobody, and what sends causes to it.
    #[cfg(test)]
    pub(super) fn scripted() -> (watch::Sender<Option<Cause>>, Self) {
        let sender = watch::Sender::new(None);
        let causes = sender.subscribe();
        (sender, Self { causes, progress: Arc::default() })
    }

    /// Waits for what ends the test early; what came before counts.
    pub(super) async fn cause(&self) -> Cause {
        let mut causes = self.causes.clone();
        let came = causes.wait_for(Option::is_some).await.ok().and_then(|cause| cause.clone());
        let Some(cause) = came else { return std::future::pending().await };
        self.progress.noticed.store(true, Ordering::Relaxed);
        cause
    }

    /// What came, if anything did.
    pub(super) fn came(&self) -> Option<Cause> {
        self.causes.borrow().clone()
    }

    /// From now on the test is ended from outside where it does not call this, or [`Running::gets_on`], again in time.
    pub(super) fn is_due_in(&self, time: Duration) {
        *self.progress.due() = Instant::now().checked_add(time);
    }

    /// What the test does now ends in time by itself.
    pub(super) fn gets_on(&self) {
        *self.progress.due() = None;
    }
}

/// Says something past the test runner's capture, which is lost when the process ends early.
pub(super) fn say(text: &str) {
    // Nobody may be listening.
    let _ = writeln!(io::stderr(), "{text}");
}

impl Listener {
    fn running(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens until the process ends.
    fn listen(&self) -> io::Result<std::convert::Infallible> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut next = async || {
                tokio::select! {
                    _ = terminate.recv() => Cause::Terminate,
                    _ = interrupt.recv() => Cause::Interrupt,
                }
            };
            let first = tokio::select! {
                first = next() => first,
                blocked = self.blocked() => blocked,
            };
            tokio::select! {
                second = next() => exit(&second),
                () = self.end(&first) => exit(&first),
            }
        })
    }

    /// Waits for a test that should have got further by now, and has not.
    async fn blocked(&self) -> Cause {
        let found = wait::until_every(LOOK, "a test beyond its limit", Duration::MAX, async || {
            let all = self.running();
            match all.iter().find_map(Entry::overdue) {
                Some(test) => Check::Done(test.name().into()),
                None => Check::not_yet("all are within theirs"),
            }
        });
        match found.await {
            Ok(name) => Cause::Blocked(name),
            // Without a limit the wait only ends with its condition.
            Err(_) => std::future::pending().await,
        }
    }

    /// Sees to it that every test ends. Returns when the process is to end: a test runner would begin the next test.
    async fn end(&self, cause: &Cause) {
        self.sender.send_replace(Some(cause.clone()));
        let start = Instant::now();
        let alone = self.running().iter().any(|it| it.test.upgrade().is_some_and(|test| test.is_alone()));
        let mut told: Vec<Weak<dyn Interrupted>> = Vec::new();
        let over = wait::until_every(EVERY, "the end of the tests", GRACE, async || {
            let deaf: Vec<_> = if start.elapsed() > NOTICE { self.deaf() } else { Vec::new() };
            for test in deaf {
                if told.iter().any(|it| it.ptr_eq(&test)) {
                    continue;
                }
                told.push(Weak::clone(&test));
                if let Some(test) = test.upgrade() {
                    let left = GRACE.saturating_sub(start.elapsed()).saturating_sub(NOTICE);
                    test.tell_for_it(cause, left).await;
                }
            }
            // One that blocks its thread goes on for as long as it likes.
            let all = self.running();
            let left = all.iter().filter(|entry| entry.progress.strong_count() > 0);
            let left = left.filter(|entry| !told.iter().any(|it| it.ptr_eq(&entry.test))).count();
            if left == 0 { Check::Done(()) } else { Check::not_yet(format!("{left} tests run")) }
        });
        if over.await.is_ok() && alone && told.is_empty() {
            // The process ends by itself, and says more of how than a signal's exit code.
            let _ = wait::until_every(EVERY, "the end of the process", GRACE, async || Check::<()>::not_yet("it runs"))
                .await;
        }
    }

    /// Tests that do not react.
    fn deaf(&self) -> Vec<Weak<dyn Interrupted>> {
        let is_deaf = |entry: &&Entry| entry.progress.upgrade().is_some_and(|it| !it.noticed.load(Ordering::Relaxed));
        self.running().iter().filter(is_deaf).map(|entry| Weak::clone(&entry.test)).collect()
    }
}

impl Entry {
    /// The test, where it is beyond what it was given.
    fn overdue(&self) -> Option<Arc<dyn Interrupted>> {
        let progress = self.progress.upgrade()?;
        let is_overdue = progress.due().is_some_and(|due| due < Instant::now());
        if is_overdue { self.test.upgrade() } else { None }
    }
}

fn exit(cause: &Cause) -> ! {
    std::process::exit(cause.exit_code())
}
