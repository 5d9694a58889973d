//! Which spec runs when: as many at once as the machine can take, long ones beside short ones, serial ones alone at the end.

use std::{cmp::Reverse, collections::VecDeque, num::NonZero, time::Duration};

use futures::{FutureExt as _, StreamExt as _, future::LocalBoxFuture, stream::FuturesUnordered};

use crate::{
    catalog::Spec,
    durations::expected,
    run::{RunError, Runner, Verdict},
    stop::Stop,
};

/// How many specs run at once for each processor where nobody says: they wait most of the time.
const PER_PROCESSOR: usize = 3;

/// How many specs this machine can take at once.
pub fn capacity() -> NonZero<usize> {
    let processors = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    processors.saturating_mul(NonZero::new(PER_PROCESSOR).unwrap_or(NonZero::<usize>::MIN))
}

/// A spec that takes at least so long mostly waits.
const LONG: Duration = Duration::from_secs(30);

/// The longest first, serial ones last, when nobody else is left to wait.
pub fn in_order(specs: impl IntoIterator<Item = &'static Spec>) -> Vec<&'static Spec> {
    let mut specs: Vec<&Spec> = specs.into_iter().collect();
    specs.sort_by_key(|spec| (spec.is_serial(), Reverse(expected(spec))));
    specs
}

/// Runs one spec.
pub trait Run {
    /// Runs it to its end, or to an earlier one.
    fn run<'a>(&'a self, spec: &'static Spec, stop: &'a Stop) -> LocalBoxFuture<'a, Result<Verdict, RunError>>;
}

impl Run for Runner {
    fn run<'a>(&'a self, spec: &'static Spec, stop: &'a Stop) -> LocalBoxFuture<'a, Result<Verdict, RunError>> {
        Self::run(self, spec, stop).boxed_local()
    }
}

/// Sees specs begin and end.
pub trait Watch {
    /// It begins.
    fn began(&self, spec: &'static Spec);
    /// It ended. What cannot go on for any spec ends the others as well.
    fn ended(&self, spec: &'static Spec, verdict: Result<Verdict, RunError>) -> GoOn;
}

/// Whether further specs are worth a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoOn {
    /// They are.
    Yes,
    /// No spec can run; those that do may end.
    No,
}

/// Runs them all, or those that begin before somebody asks for the end; returns when the last one has ended.
pub async fn run_all(
    runner: &dyn Run,
    specs: &[&'static Spec],
    at_once: NonZero<usize>,
    stop: &Stop,
    watch: &dyn Watch,
) {
    let (serial, parallel): (Vec<&Spec>, Vec<&Spec>) =
        in_order(specs.iter().copied()).into_iter().partition(|spec| spec.is_serial());
    for (specs, at_once) in [(parallel, at_once.get()), (serial, 1)] {
        let mut queue = Queue::new(specs, at_once);
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < at_once && !stop.is_asked() {
                let Some(spec) = queue.next() else { break };
                watch.began(spec);
                running.push(async move { (spec, runner.run(spec, stop).await) });
            }
            let Some((spec, verdict)) = running.next().await else { break };
            queue.ended(spec);
            if watch.ended(spec, verdict) == GoOn::No {
                while let Some((spec, verdict)) = running.next().await {
                    watch.ended(spec, verdict);
                }
                return;
            }
        }
    }
}

/// Specs that have not begun. Half of those that run at once are long ones, the longest first: all of them long, processors
/// would idle and be short later; none, they would be left over for the end.
struct Queue {
    long: VecDeque<&'static Spec>,
    short: VecDeque<&'static Spec>,
    /// How many long ones run.
    running: usize,
    /// How many of them may, while there are others.
    most: usize,
}

impl Queue {
    fn new(specs: Vec<&'static Spec>, at_once: usize) -> Self {
        let (long, short): (Vec<&Spec>, Vec<&Spec>) = specs.into_iter().partition(|spec| expected(spec) >= LONG);
        Self { long: long.into(), short: short.into(), running: 0, most: at_once.div_ceil(2) }
    }

    fn next(&mut self) -> Option<&'static Spec> {
        if self.running >= self.most
            && let Some(spec) = self.short.pop_front()
        {
            return Some(spec);
        }
        let Some(spec) = self.long.pop_front() else { return self.short.pop_front() };
        self.running += 1;
        Some(spec)
    }

    fn ended(&mut self, spec: &Spec) {
        self.running -= usize::from(expected(spec) >= LONG);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::{Catalog, stop::Stopper};

    const PASSED: Verdict = Verdict::Passed { took: Duration::ZERO, process: Duration::ZERO };

    /// Specs that need a few turns each, and a record of who ran beside whom.
    #[derive(Default)]
    struct Stage {
        running: RefCell<Vec<&'static Spec>>,
        most: Cell<usize>,
        ended: RefCell<Vec<&'static Spec>>,
        broken: bool,
    }

    impl Run for Stage {
        fn run<'a>(&'a self, _: &'static Spec, stop: &'a Stop) -> LocalBoxFuture<'a, Result<Verdict, RunError>> {
            async move {
                if self.broken {
                    return Err(RunError::NoHome);
                }
                for _ in 0..5 {
                    let running = self.running.borrow().len();
                    self.most.set(self.most.get().max(running));
                    let serial = self.running.borrow().iter().any(|spec| spec.is_serial());
                    assert!(!serial || running == 1, "a serial spec is alone");
                    tokio::task::yield_now().await;
                }
                Ok(if stop.is_asked() { Verdict::Stopped } else { PASSED })
            }
            .boxed_local()
        }
    }

    impl Watch for Stage {
        fn began(&self, spec: &'static Spec) {
            self.running.borrow_mut().push(spec);
        }

        fn ended(&self, spec: &'static Spec, verdict: Result<Verdict, RunError>) -> GoOn {
            self.running.borrow_mut().retain(|other| *other != spec);
            self.ended.borrow_mut().push(spec);
            if verdict.is_err() { GoOn::No } else { GoOn::Yes }
        }
    }

    fn all() -> Vec<&'static Spec> {
        Catalog::newest().specs().iter().collect()
    }

    #[test]
    fn half_of_what_runs_at_once_is_long_until_one_kind_is_over() {
        let parallel = all().into_iter().filter(|spec| !spec.is_serial());
        let specs = in_order(parallel);
        let is_long = |spec: &&Spec| expected(spec) >= LONG;
        let mut queue = Queue::new(specs.clone(), 8);
        let begun: Vec<&Spec> = (0..8).filter_map(|_| queue.next()).collect();
        assert_eq!(begun.iter().filter(|spec| is_long(spec)).count(), 4);
        assert_eq!(begun[..4], specs[..4], "the longest begin");
        // A short one makes room for a short one, a long one for a long one.
        queue.ended(begun[7]);
        assert!(queue.next().is_some_and(|spec| !is_long(&spec)));
        queue.ended(begun[0]);
        assert!(queue.next().is_some_and(|spec| is_long(&spec)));
        let rest: Vec<&Spec> = std::iter::from_fn(|| queue.next()).collect();
        assert_eq!(begun.len() + 2 + rest.len(), specs.len());
    }

    #[test]
    fn serial_specs_come_last_and_the_longest_first() {
        let order = in_order(all());
        assert_eq!(order.len(), Catalog::newest().specs().len());
        assert!(order.last().is_some_and(|spec| spec.is_serial()));
        let parallel = order.iter().filter(|spec| !spec.is_serial()).map(|spec| expected(spec));
        assert!(parallel.clone().is_sorted_by_key(Reverse) && parallel.max() > Some(Duration::from_mins(2)));
        assert!(order.iter().map(|spec| spec.is_serial()).is_sorted());
    }

    #[tokio::test]
    async fn every_spec_runs_once_and_as_many_at_once_as_may() {
        let stage = Stage::default();
        run_all(&stage, &all(), NonZero::new(7).unwrap(), &Stop::never(), &stage).await;
        assert_eq!(stage.most.get(), 7);
        let mut ended = stage.ended.take();
        ended.sort();
        assert_eq!(ended, all());
    }

    #[tokio::test]
    async fn after_a_stop_running_specs_end_and_none_begins() {
        let (stage, stopper) = (Stage::default(), Stopper::default());
        let stop = stopper.stop();
        let specs = all();
        let (run, ask) = (run_all(&stage, &specs, NonZero::new(3).unwrap(), &stop, &stage), async {
            while stage.running.borrow().is_empty() {
                tokio::task::yield_now().await;
            }
            stopper.ask();
        });
        tokio::join!(run, ask);
        assert_eq!((stage.ended.borrow().len(), stage.running.borrow().len()), (3, 0));
    }

    #[tokio::test]
    async fn what_no_spec_can_run_without_ends_it() {
        let stage = Stage { broken: true, ..Stage::default() };
        run_all(&stage, &all(), NonZero::new(4).unwrap(), &Stop::never(), &stage).await;
        assert_eq!(stage.ended.borrow().len(), 4);
    }
}
