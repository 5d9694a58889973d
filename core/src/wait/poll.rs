//! Asking again and again until something holds, or a limit is reached.

use std::{fmt::Display, time::Duration};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::activity;

/// How often a condition is looked at where nothing else is said.
const EVERY: Duration = Duration::from_millis(100);
/// How long the last look may take, which begins when the limit is reached.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// What a look at a condition found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check<T> {
    /// It holds, and this came of it.
    Done(T),
    /// It does not hold yet; the text says what is missing.
    NotYet(String),
}

impl<T> Check<T> {
    /// Not yet, for this reason.
    pub fn not_yet(status: impl Display) -> Self {
        Self::NotYet(status.to_string())
    }
}

/// A condition did not come true.
#[derive(Debug, thiserror::Error)]
#[error("wait for {what}: not there after {:.1} s; last seen: {last}", elapsed.as_secs_f64())]
pub struct WaitError {
    /// What was waited for.
    pub what: String,
    /// For how long.
    pub elapsed: Duration,
    /// What the last look found.
    pub last: String,
}

/// Waits until the condition holds, looking ten times a second.
///
/// ```
/// use std::time::Duration;
/// use kind_harness::wait::{Check, until};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let mut looks = 0;
/// let found = until("the third look", Duration::from_secs(5), async || {
///     looks += 1;
///     if looks == 3 { Check::Done(looks) } else { Check::not_yet(format!("look {looks}")) }
/// })
/// .await;
/// assert_eq!(found.unwrap(), 3);
/// # });
/// ```
///
/// # Errors
/// When the limit passes first; the error says what the last look found.
pub async fn until<T>(
    what: impl Display,
    limit: Duration,
    look: impl AsyncFnMut() -> Check<T>,
) -> Result<T, WaitError> {
    until_every(EVERY, what, limit, look).await
}

/// As [`until`], looking at another pace.
///
/// # Errors
/// When the limit passes first.
pub async fn until_every<T>(
    every: Duration,
    what: impl Display,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Check<T>,
) -> Result<T, WaitError> {
    enum Never {}
    let looked = until_or(every, &what, limit, async || Ok::<_, Never>(look().await)).await;
    match looked {
        Ok(waited) => waited,
        Err(never) => match never {},
    }
}

/// As [`until_every`], for a look that may also find out that the condition can never hold any more.
///
/// # Errors
/// The outer error is the look's; the inner one says that the limit passed.
pub async fn until_or<T, E>(
    every: Duration,
    what: impl Display,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Result<Check<T>, E>,
) -> Result<Result<T, WaitError>, E> {
    let start = Instant::now();
    let waiting = activity::wait(&what);
    let mut last = "nothing, the first look did not return".to_owned();
    loop {
        // The last look begins when the limit is reached, and needs a moment of its own.
        let remaining = limit.saturating_sub(start.elapsed());
        let allowed = if remaining.is_zero() { every.min(LAST_LOOK) } else { remaining };
        match tokio::time::timeout(allowed, look()).await {
            Ok(Ok(Check::Done(value))) => return Ok(Ok(value)),
            Ok(Ok(Check::NotYet(status))) => {
                if let Some(waiting) = &waiting {
                    waiting.saw(&status);
                }
                last = status;
            }
            Ok(Err(error)) => return Err(error),
            // The look itself hangs: what it found before is still the best that is known.
            Err(_) => {}
        }
        let elapsed = start.elapsed();
        if elapsed >= limit {
            return Ok(Err(WaitError { what: what.to_string(), elapsed, last }));
        }
        pause(every.min(limit.saturating_sub(elapsed))).await;
    }
}

/// Lets one try follow the other no faster than this, for who waits for what others tell.
#[derive(Debug)]
pub struct Pace(Interval);

impl Pace {
    /// The first try is at once.
    ///
    /// # Panics
    /// When `every` is no time at all, or outside of a Tokio runtime.
    pub fn new(every: Duration) -> Self {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(ticks)
    }

    /// Waits until it is time for the next try.
    pub async fn next(&mut self) {
        self.0.tick().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
async fn pause(every: Duration) {
    tokio::time::sleep(every).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn running_out_says_what_was_last_seen() {
        let mut looks = 0;
        let error = until("node a Ready", Duration::from_secs(1), async || {
            looks += 1;
            Check::<()>::not_yet(format!("NotReady, look {looks}"))
        })
        .await
        .unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("wait for node a Ready: not there after"), "{text}");
        assert!(text.ends_with(&format!("last seen: NotReady, look {looks}")), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_itself_is_looked_at() {
        for (every, limit) in [(100, 100), (100, 250), (5000, 1)] {
            let (every, limit) = (Duration::from_millis(every), Duration::from_millis(limit));
            let start = Instant::now();
            let found = until_every(every, "the limit", limit, async || {
                // What is asked answers a moment later.
                pause(Duration::from_micros(1)).await;
                if start.elapsed() >= limit { Check::Done(()) } else { Check::not_yet("it is earlier") }
            });
            found.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_look_that_hangs_does_not_outlast_the_limit() {
        let error = until("an answer", Duration::from_millis(50), async || std::future::pending::<Check<()>>().await)
            .await
            .unwrap_err();
        assert!(error.last.contains("first look did not return"));
    }

    #[tokio::test]
    async fn a_hopeless_look_ends_it_at_once() {
        let outcome = until_or(EVERY, "x", Duration::from_secs(60), async || Err::<Check<()>, _>("gone")).await;
        assert_eq!(outcome.unwrap_err(), "gone");
    }
}
