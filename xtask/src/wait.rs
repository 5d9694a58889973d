//! The only module of this crate that sleeps: polling a condition with a limit, and ticking.

#![expect(clippy::disallowed_methods, reason = "this is the wait module")]

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

/// A condition that did not come true in time.
#[derive(Debug, thiserror::Error)]
#[error("wait for {what}: not within {} s{}", limit.as_secs(), last_seen(last))]
pub struct TimedOut {
    /// What was waited for.
    pub what: String,
    /// The limit.
    pub limit: Duration,
    /// What the last look at it found.
    pub last: String,
}

fn last_seen(last: &str) -> String {
    if last.is_empty() { String::new() } else { format!("; last seen: {last}") }
}

/// What a look at a condition found.
pub enum Look<T> {
    /// It is true.
    Done(T),
    /// It is not, and this is what was seen instead.
    NotYet(String),
}

/// Looks `every` so often until the condition holds.
///
/// # Errors
/// When it does not within `limit`; the error says what was last seen.
pub async fn until<T, F>(
    what: &str,
    every: Duration,
    limit: Duration,
    mut look: impl FnMut() -> F,
) -> Result<T, TimedOut>
where
    F: Future<Output = Look<T>>,
{
    let end = Instant::now() + limit;
    loop {
        let last = match look().await {
            Look::Done(value) => return Ok(value),
            Look::NotYet(last) => last,
        };
        if Instant::now() >= end {
            return Err(TimedOut { what: what.to_owned(), limit, last });
        }
        sleep(every).await;
    }
}

/// Calls `tick` every `period`, for ever; made to be raced against something that ends.
pub async fn tick(period: Duration, mut tick: impl FnMut()) {
    let mut next = Instant::now();
    loop {
        next += period;
        sleep_until(next).await;
        tick();
    }
}

/// Returns after `limit`; made to be raced against something that should end before.
pub async fn limit(limit: Duration) {
    sleep(limit).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_condition_that_never_holds_is_named_with_what_was_seen() {
        let none = Duration::ZERO;
        let error = until("the moon", none, none, async || Look::<()>::NotYet("a cloud".to_owned())).await.unwrap_err();
        assert_eq!(error.to_string(), "wait for the moon: not within 0 s; last seen: a cloud");
    }

    #[tokio::test]
    async fn a_condition_that_holds_ends_the_wait() {
        let value = until("it", Duration::ZERO, Duration::ZERO, async || Look::Done(7)).await.unwrap();
        assert_eq!(value, 7);
    }
}
