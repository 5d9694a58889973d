//! Counting specs, and guessing how long the rest takes. No clock is read here.

use std::time::Duration;

use kind_conformance::Spec;

/// How long a serial spec takes where none has ended yet: the 29 of v1.37.2 took 17 min 45 s on two processors.
const SERIAL: Duration = Duration::from_secs(37);
/// How many parallel specs have to end before they say how long the others take.
const ENOUGH: u32 = 5;

/// How a spec ended, for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It was stopped.
    Stopped,
}

/// The state of a run in numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    at_once: u32,
    passed: u32,
    failed: u32,
    running: u32,
    parallel: Kind,
    serial: Kind,
}

#[derive(Debug, Clone, Default)]
struct Kind {
    left: u32,
    ended: u32,
    took: Duration,
}

impl Tally {
    /// Nothing has run yet.
    pub(crate) fn new(specs: &[&Spec], at_once: usize) -> Self {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let serial = specs.iter().filter(|spec| spec.is_serial()).count();
        Self {
            at_once: count(at_once).max(1),
            parallel: Kind { left: count(specs.len() - serial), ..Kind::default() },
            serial: Kind { left: count(serial), ..Kind::default() },
            ..Self::default()
        }
    }

    /// A spec begins.
    pub(crate) fn began(&mut self) {
        self.running += 1;
    }

    /// A spec ended after so long.
    pub(crate) fn ended(&mut self, spec: &Spec, how: Counted, took: Duration) {
        self.running = self.running.saturating_sub(1);
        let kind = if spec.is_serial() { &mut self.serial } else { &mut self.parallel };
        match how {
            Counted::Passed => self.passed += 1,
            Counted::Failed => self.failed += 1,
            Counted::Stopped => return,
        }
        kind.left = kind.left.saturating_sub(1);
        kind.ended += 1;
        kind.took += took;
    }

    /// Whether every spec has a result.
    pub(crate) fn is_over(&self) -> bool {
        self.parallel.left + self.serial.left == 0
    }

    /// About how long the rest takes; `None` where too little is known.
    pub(crate) fn rest(&self) -> Option<Duration> {
        let parallel = match self.parallel {
            Kind { left: 0, .. } => Duration::ZERO,
            Kind { ended, .. } if ended < ENOUGH => return None,
            Kind { left, ended, took } => took / ended * left / self.at_once,
        };
        let serial = match self.serial {
            Kind { ended: 0, .. } => SERIAL,
            Kind { ended, took, .. } => took / ended,
        };
        Some(parallel + serial * self.serial.left)
    }

    /// The counts as a line.
    pub(crate) fn line(&self) -> String {
        let waiting = (self.parallel.left + self.serial.left).saturating_sub(self.running);
        let rest = self.rest().map_or_else(String::new, |rest| format!(", about {} to go", span(rest)));
        format!("{} passed, {} failed, {} running, {waiting} waiting{rest}", self.passed, self.failed, self.running)
    }
}

/// A time for people.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("{:.1} s", time.as_secs_f64()),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use kind_conformance::Catalog;
    use rstest::rstest;

    use super::*;

    const TEN: Duration = Duration::from_secs(10);

    #[test]
    fn what_ended_says_how_long_the_rest_takes() {
        let specs: Vec<&Spec> = Catalog::of("v1.37.2").unwrap().specs().iter().collect();
        let (serial, parallel): (Vec<&Spec>, Vec<&Spec>) = specs.iter().partition(|spec| spec.is_serial());
        let mut tally = Tally::new(&specs, 6);
        assert_eq!((tally.rest(), tally.line().as_str()), (None, "0 passed, 0 failed, 0 running, 462 waiting"));
        for spec in &parallel[..13] {
            tally.began();
            tally.ended(spec, Counted::Passed, TEN);
        }
        // 420 parallel ones of 10 s by six, 29 serial ones of 37 s one by one.
        assert_eq!(tally.rest(), Some(Duration::from_secs(700 + 29 * 37)));
        for spec in &parallel[13..] {
            tally.ended(spec, Counted::Failed, TEN);
        }
        tally.ended(serial[0], Counted::Passed, TEN);
        assert_eq!(tally.rest(), Some(Duration::from_secs(280)));
        assert_eq!(tally.line(), "14 passed, 420 failed, 0 running, 28 waiting, about 4 min 40 s to go");
    }

    #[test]
    fn a_spec_that_is_stopped_has_no_result() {
        let specs: Vec<&Spec> = Catalog::newest().specs().iter().take(2).collect();
        let mut tally = Tally::new(&specs, 2);
        tally.began();
        assert_eq!(tally.line(), "0 passed, 0 failed, 1 running, 1 waiting");
        tally.ended(specs[0], Counted::Stopped, TEN);
        assert_eq!((tally.line().as_str(), tally.is_over()), ("0 passed, 0 failed, 0 running, 2 waiting", false));
        tally.ended(specs[0], Counted::Passed, TEN);
        tally.ended(specs[1], Counted::Failed, TEN);
        assert!(tally.is_over());
    }

    #[rstest]
    #[case(1500, "1.5 s")]
    #[case(61_900, "1 min 1 s")]
    #[case(7_500_000, "2 h 5 min")]
    fn times_are_for_people(#[case] milliseconds: u64, #[case] expected: &str) {
        assert_eq!(span(Duration::from_millis(milliseconds)), expected);
    }
}
