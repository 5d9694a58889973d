//! What happened in one test, and when: told when it fails or takes too long.

use std::{
    fmt,
    sync::Mutex,
    time::{Duration, Instant},
};

/// The phases of one test.
pub(crate) struct Timeline {
    start: Instant,
    phases: Mutex<Vec<(Duration, String)>>,
}

impl Timeline {
    /// Begins now.
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), phases: Mutex::default() }
    }

    /// A phase begins now; it ends when the next one begins.
    pub(crate) fn begin(&self, phase: impl Into<String>) {
        let mut phases = self.phases.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        phases.push((self.start.elapsed(), phase.into()));
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phases = self.phases.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ends = phases.iter().skip(1).map(|(begin, _)| *begin).chain([self.start.elapsed()]);
        for (index, ((begin, phase), end)) in phases.iter().zip(ends).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{phase} {}", seconds(end.saturating_sub(*begin)))?;
        }
        Ok(())
    }
}

/// A length of time as a person says it.
pub(crate) fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.2} s") } else { format!("{seconds:.1} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_lasts_until_the_next() {
        let timeline = Timeline {
            start: Instant::now(),
            phases: Mutex::new(vec![
                (Duration::ZERO, "cluster".to_owned()),
                (Duration::from_millis(34_100), "namespace".to_owned()),
                (Duration::from_millis(34_120), "body".to_owned()),
            ]),
        };
        let text = timeline.to_string();
        assert!(text.starts_with("cluster 34.1 s, namespace 0.02 s, body "), "{text}");
    }
}
