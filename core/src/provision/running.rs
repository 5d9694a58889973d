//! How a step runs: its name, its time limit, what is told of it and of its nodes, and the error it ends in.

use std::{
    collections::BTreeSet,
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    Deadline, Event, Progress,
    steps::{Failure, ProvisionError, Remains, StepError},
};
use crate::spec::NodeName;

/// The steps under way: who is told of them, and what each of them still waits for.
pub(super) struct Running<'a> {
    progress: &'a dyn Progress,
    deadline: Option<Deadline>,
    steps: Mutex<Vec<Step>>,
}

struct Step {
    name: &'static str,
    began: Instant,
    /// The nodes that it works on and has not done.
    nodes: BTreeSet<NodeName>,
}

/// One step's work on its nodes.
#[derive(Clone, Copy)]
pub(super) struct OnNodes<'a> {
    running: &'a Running<'a>,
    step: &'static str,
}

impl<'a> Running<'a> {
    pub(super) fn new(progress: &'a dyn Progress, deadline: Option<Deadline>) -> Self {
        Self { progress, deadline, steps: Mutex::default() }
    }

    /// Who is told.
    pub(super) fn progress(&self) -> &dyn Progress {
        self.progress
    }

    /// The nodes of a step.
    pub(super) fn nodes(&self, step: &'static str) -> OnNodes<'_> {
        OnNodes { running: self, step }
    }

    /// Runs a step: tells that it began and how it ended, and ends it at its limit.
    pub(super) async fn step<T>(
        &self,
        name: &'static str,
        limit: Duration,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, ProvisionError> {
        let limit = self.deadline.map_or(limit, |deadline| deadline.allows(limit));
        self.steps().push(Step { name, began: Instant::now(), nodes: BTreeSet::new() });
        self.progress.event(Event::Started { step: name });
        let outcome = tokio::time::timeout(limit, work).await;
        let step = self.take(name);
        let elapsed = step.began.elapsed();
        let failure = match outcome {
            Ok(Ok(value)) => {
                self.progress.event(Event::Finished { step: name, elapsed });
                return Ok(value);
            }
            Ok(Err(failure)) => failure,
            Err(_) => Failure {
                node: step.nodes.first().cloned(),
                source: StepError::TimedOut { limit, nodes: step.nodes.into_iter().collect() },
            },
        };
        self.progress.event(Event::Failed { step: name, elapsed });
        Err(failed(name, elapsed, failure))
    }

    /// Does the work before the deadline, where there is one. The error names the step that hung and its nodes.
    pub(super) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, ProvisionError>>,
    ) -> Result<T, ProvisionError> {
        let Some(deadline) = self.deadline else { return work.await };
        let expired = match deadline.bound(work).await {
            Ok(outcome) => return outcome,
            Err(expired) => expired,
        };
        let steps = std::mem::take(&mut *self.steps());
        for step in &steps {
            self.progress.event(Event::Failed { step: step.name, elapsed: step.began.elapsed() });
        }
        let under_way = steps.iter().map(Step::words).collect();
        let (name, elapsed) = steps.first().map_or(("the creation", expired.limit), |it| (it.name, it.began.elapsed()));
        let node = steps.first().and_then(|step| step.nodes.first().cloned());
        Err(failed(name, elapsed, Failure { node, source: StepError::Expired { source: expired, under_way } }))
    }

    fn take(&self, name: &'static str) -> Step {
        let mut steps = self.steps();
        let at = steps.iter().position(|step| step.name == name).expect("only the step itself takes it");
        steps.remove(at)
    }

    fn with_nodes(&self, step: &'static str, change: impl FnOnce(&mut BTreeSet<NodeName>)) {
        if let Some(step) = self.steps().iter_mut().find(|known| known.name == step) {
            change(&mut step.nodes);
        }
    }

    fn steps(&self) -> MutexGuard<'_, Vec<Step>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Step {
    fn words(&self) -> String {
        let nodes: Vec<&str> = self.nodes.iter().map(NodeName::as_str).collect();
        if nodes.is_empty() { self.name.to_owned() } else { format!("{} ({})", self.name, nodes.join(", ")) }
    }
}

impl OnNodes<'_> {
    /// Does the step's work on one node, and tells that it began and how it ended.
    pub(super) async fn each<T>(
        self,
        node: &NodeName,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Self { running, step } = self;
        let began = Instant::now();
        running.with_nodes(step, |nodes| {
            nodes.insert(node.clone());
        });
        running.progress.event(Event::NodeStarted { step, node: node.clone() });
        let outcome = work.await;
        running.with_nodes(step, |nodes| {
            nodes.remove(node);
        });
        let (node, elapsed) = (node.clone(), began.elapsed());
        running.progress.event(match outcome {
            Ok(_) => Event::NodeFinished { step, node, elapsed },
            Err(_) => Event::NodeFailed { step, node, elapsed },
        });
        outcome
    }
}

fn failed(step: &'static str, elapsed: Duration, failure: Failure) -> ProvisionError {
    ProvisionError {
        step,
        node: failure.node,
        elapsed,
        evidence: String::new(),
        logs: None,
        remains: Remains::Removed,
        source: failure.source,
    }
}
