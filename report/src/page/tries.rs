//! What became of one attempt of a test, and of a test with all of its attempts.

use kind_core::access::Access;

use super::{
    model::{Bundle, TestLines},
    record::{ClusterFacts, Outcome, ShapeFacts, TestEvent},
};

/// How a test stands. The order is the one in which a reader wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum State {
    /// It failed.
    Failed,
    /// Its process is gone and left no end.
    Killed,
    /// It failed, and passed when it was tried again.
    Flaky,
    /// Its body runs.
    Running,
    /// It waits for its cluster.
    Waiting,
    /// It passed.
    Passed,
    /// It did not run.
    Skipped,
}

impl State {
    /// All, in order.
    pub(crate) const ALL: [Self; 7] =
        [Self::Failed, Self::Killed, Self::Flaky, Self::Running, Self::Waiting, Self::Passed, Self::Skipped];

    /// One word, for people and for style sheets.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Killed => "killed",
            Self::Flaky => "flaky",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Passed => "passed",
            Self::Skipped => "skipped",
        }
    }

    /// Whether somebody has to look at it.
    pub(crate) fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Killed)
    }
}

/// One attempt of a test. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Try {
    pub(crate) package: String,
    pub(crate) test: String,
    pub(crate) attempt: u32,
    pub(crate) access: Access,
    pub(crate) shape: Option<ShapeFacts>,
    pub(crate) cluster: Option<ClusterFacts>,
    pub(crate) namespace: Option<String>,
    pub(crate) began: u64,
    pub(crate) attached: Option<u64>,
    pub(crate) running: Option<u64>,
    pub(crate) judged: Option<u64>,
    /// The last time that is known, which is its end where it has ended.
    pub(crate) until: u64,
    /// Whether it ended by itself.
    pub(crate) done: bool,
    pub(crate) state: State,
    pub(crate) reason: Option<String>,
    pub(crate) bundle: Option<Bundle>,
}

impl Try {
    /// Reads an attempt; `None` without its first line. `now` is when the records were looked at.
    pub(crate) fn of(lines: TestLines, now: u64) -> Option<Self> {
        let mut events = lines.lines.into_iter();
        let first = events.next()?;
        let TestEvent::Began(subject) = first.event else { return None };
        let mut this = Self {
            package: subject.package,
            test: subject.test,
            attempt: subject.attempt,
            access: subject.access,
            shape: subject.shape,
            cluster: None,
            namespace: None,
            began: first.at,
            attached: None,
            running: None,
            judged: None,
            until: first.at,
            done: false,
            state: State::Waiting,
            reason: None,
            bundle: lines.bundle,
        };
        let mut outcome = None;
        for line in events {
            // A clock that is set back must not turn a bar around.
            let at = line.at.max(this.until);
            this.until = at;
            match line.event {
                TestEvent::Began(_) => {}
                TestEvent::Attached(facts) => {
                    this.attached = Some(at);
                    this.cluster = Some(facts);
                }
                TestEvent::Running { namespace } => {
                    this.running = Some(at);
                    this.namespace = namespace;
                }
                TestEvent::Judged { outcome: how, reason } => {
                    this.judged = Some(at);
                    this.reason = reason;
                    outcome = Some(how);
                }
                TestEvent::Done => this.done = true,
            }
        }
        if lines.alive && !this.done {
            this.until = now.max(this.until);
        }
        this.state = match (outcome, lines.alive) {
            (Some(Outcome::Passed), _) => State::Passed,
            (Some(Outcome::Failed), _) => State::Failed,
            (Some(Outcome::Skipped), _) => State::Skipped,
            (None, false) => State::Killed,
            (None, true) if this.running.is_some() => State::Running,
            (None, true) => State::Waiting,
        };
        Some(this)
    }

    /// How long it took, as far as that is known, in milliseconds.
    pub(crate) fn took(&self) -> u64 {
        self.until - self.began
    }

    /// How long it waited for its cluster.
    pub(crate) fn waited(&self) -> u64 {
        self.attached.unwrap_or(self.until) - self.began
    }
}

/// A test and all of its attempts, oldest first; there is one at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Test {
    pub(crate) tries: Vec<Try>,
    pub(crate) state: State,
}

impl Test {
    /// Sums the attempts up.
    pub(crate) fn of(mut tries: Vec<Try>) -> Self {
        tries.sort_by_key(|one| (one.began, one.attempt));
        let state = state(&tries);
        Self { tries, state }
    }

    pub(crate) fn last(&self) -> &Try {
        self.tries.last().expect("a test has an attempt")
    }

    pub(crate) fn began(&self) -> u64 {
        self.tries.first().map_or(0, |first| first.began)
    }

    /// The time of all attempts together.
    pub(crate) fn took(&self) -> u64 {
        self.tries.iter().map(Try::took).sum()
    }
}

/// A failure is excused by a later attempt that passed: one of a higher number. The same number again is the same test
/// run again, as a stress test does, and excuses nothing.
fn state(tries: &[Try]) -> State {
    let excused = |bad: &Try| tries.iter().any(|other| other.attempt > bad.attempt && other.state == State::Passed);
    let open = |bad: &Try| {
        let again = tries.iter().any(|other| other.attempt > bad.attempt && other.began >= bad.began);
        !again && !excused(bad)
    };
    let bad = || tries.iter().filter(|one| one.state.is_bad());
    if let Some(worst) = bad().filter(|one| open(one)).map(|one| one.state).min() {
        return worst;
    }
    let others = tries.iter().map(|one| one.state).filter(|state| !state.is_bad());
    let going = others.clone().filter(|state| matches!(state, State::Running | State::Waiting)).min();
    if let Some(going) = going {
        return going;
    }
    if bad().next().is_some() { State::Flaky } else { others.min().unwrap_or(State::Skipped) }
}
