//! The signals that end a test early: SIGTERM, which test runners send before they kill, and SIGINT from the terminal.
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
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::wait::{self, Check};

/// How often the listening thread looks whether all tests are over.
const EVERY: Duration = Duration::from_millis(20);
/// How long a test has to notice. One whose body blocks its thread does not.
const NOTICE: Duration = Duration::from_secs(1);
/// How long everything may take, before the process ends: nextest kills after 10 s, where nothing else is set.
const GRACE: Duration = Duration::from_secs(9);

/// A signal that ended a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Terminate,
    Interrupt,
}

impl Signal {
    /// What shells show for a process that it ended.
    fn exit_code(self) -> i32 {
        match self {
            Self::Terminate => 128 + 15,
            Self::Interrupt => 128 + 2,
        }
    }
}

/// A running test, as the listening thread knows it.
#[async_trait(?Send)]
pub(super) trait Interrupted: Send + Sync {
    /// The test does not react: tells what is known without its help, within the limit.
    async fn tell_for_it(&self, signal: Signal, limit: Duration);

    /// Whether the process was started for this test alone, and ends with it.
    fn is_alone(&self) -> bool;
}

/// A test's registration. Dropping it, and all that were cloned from it, is the test's end.
#[derive(Clone)]
pub(super) struct Running {
    signals: watch::Receiver<Option<Signal>>,
    noticed: Arc<AtomicBool>,
}

struct Entry {
    test: Weak<dyn Interrupted>,
    /// Gone when the test is over.
    noticed: Weak<AtomicBool>,
}

/// Everything that the listening thread and the tests share.
struct Listener {
    sender: watch::Sender<Option<Signal>>,
    running: Mutex<Vec<Entry>>,
}

static LISTENER: OnceLock<Arc<Listener>> = OnceLock::new();

fn start_listener() -> Arc<Listener> {
    let listener = Arc::new(Listener { sender: watch::Sender::new(None), running: Mutex::default() });
    let shared = Arc::clone(&listener);
    // Without the thread, signals do what they do to any program.
    let started = std::thread::Builder::new().name("kind-signals".to_owned()).spawn(move || {
        let Err(error) = shared.listen();
        tracing::warn!("listen for signals: {error}");
    });
    if let Err(error) = started {
        tracing::warn!("start a thread that listens for signals: {error}");
    }
    listener
}

/// A test begins.
pub(super) fn register<T: Interrupted + 'static>(test: &Arc<T>) -> Running {
    let listener = LISTENER.get_or_init(start_listener);
    let noticed = Arc::<AtomicBool>::default();
    let test: Arc<dyn Interrupted> = Arc::<T>::clone(test);
    let mut running = listener.running();
    running.retain(|entry| entry.noticed.strong_count() > 0);
    running.push(Entry { test: Arc::downgrade(&test), noticed: Arc::downgrade(&noticed) });
    Running { signals: listener.sender.subscribe(), noticed }
}

impl Running {
    /// A registration with nobody, and what sends signals to it.
    #[cfg(test)]
    pub(super) fn scripted() -> (watch::Sender<Option<Signal>>, Self) {
        let sender = watch::Sender::new(None);
        let signals = sender.subscribe();
        (sender, Self { signals, noticed: Arc::default() })
    }

    /// Waits for a signal; one that came before counts.
    pub(super) async fn signal(&self) -> Signal {
        let mut signals = self.signals.clone();
        let came = signals.wait_for(Option::is_some).await.ok().and_then(|signal| *signal);
        let Some(signal) = came else { return std::future::pending().await };
        self.noticed.store(true, Ordering::Relaxed);
        signal
    }

    /// The signal that came, if one did.
    pub(super) fn came(&self) -> Option<Signal> {
        *self.signals.borrow()
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
                    _ = terminate.recv() => Signal::Terminate,
                    _ = interrupt.recv() => Signal::Interrupt,
                }
            };
            let first = next().await;
            tokio::select! {
                second = next() => exit(second),
                () = self.end(first) => exit(first),
            }
        })
    }

    /// Sees to it that every test ends. Returns when the process is to end: a test runner would begin the next test.
    async fn end(&self, signal: Signal) {
        self.sender.send_replace(Some(signal));
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
                    test.tell_for_it(signal, left).await;
                }
            }
            // One that blocks its thread goes on for as long as it likes.
            let all = self.running();
            let left = all.iter().filter(|entry| entry.noticed.strong_count() > 0);
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
        let is_deaf = |entry: &&Entry| entry.noticed.upgrade().is_some_and(|it| !it.load(Ordering::Relaxed));
        self.running().iter().filter(is_deaf).map(|entry| Weak::clone(&entry.test)).collect()
    }
}

fn exit(signal: Signal) -> ! {
    std::process::exit(signal.exit_code())
}
