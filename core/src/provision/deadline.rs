//! When a whole bring-up has to be done, whatever its steps are allowed by themselves.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, timeout_at};

/// A point in time, and how long before it was set.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    limit: Duration,
    at: Option<Instant>,
}

/// A deadline passed before the work was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not done within the {} s that the whole creation has", limit.as_secs_f64())]
pub struct Expired {
    /// How long all of it had.
    pub limit: Duration,
}

impl Deadline {
    /// So long from now.
    pub fn after(limit: Duration) -> Self {
        // One that the clock cannot tell is as good as none.
        Self { limit, at: Instant::now().checked_add(limit) }
    }

    /// Does the work, or drops it when the time is up.
    ///
    /// # Errors
    /// When the time is up first.
    pub async fn bound<T>(&self, work: impl Future<Output = T>) -> Result<T, Expired> {
        match self.at {
            Some(at) => timeout_at(at, work).await.map_err(|_| Expired { limit: self.limit }),
            None => Ok(work.await),
        }
    }

    /// How long a step may take: who sets a deadline allows every step all the time that is left.
    pub(super) fn allows(&self, limit: Duration) -> Duration {
        // A moment more, so that the deadline itself is what ends the step.
        let left = self.at.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
        limit.max(left.saturating_add(Duration::from_secs(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_ends_at_the_deadline_and_steps_have_all_the_time_until_then() {
        let deadline = Deadline::after(Duration::from_secs(600));
        assert_eq!(deadline.bound(async { 1 }).await, Ok(1));
        assert_eq!(deadline.allows(Duration::from_secs(60)), Duration::from_secs(601));
        assert_eq!(deadline.allows(Duration::from_secs(700)), Duration::from_secs(700));
        let expired = deadline.bound(std::future::pending::<()>()).await.unwrap_err();
        assert_eq!(expired.to_string(), "not done within the 600 s that the whole creation has");
        assert_eq!(Deadline::after(Duration::MAX).bound(async { 2 }).await, Ok(2));
    }
}
