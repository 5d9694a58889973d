//! The processes of a run: started when they are wanted, and reused on the same cluster.

use std::{collections::BTreeSet, time::Instant};

use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell};

use super::{
    order::Order,
    process::{Place, Process, Share, Task},
    protocol::{FIRST, Server},
};
use crate::{
    invoke::{Ended, Invocation, InvokeError, Ran},
    report::Outcome,
    stop::Stop,
};

/// What all processes of a run share.
#[derive(Debug)]
struct Common {
    server: Server,
    order: OnceCell<Order>,
    /// What processes print beside their reports.
    logs: TempDir,
}

/// Processes that specs take turns on.
#[derive(Debug)]
pub(crate) struct Pool {
    /// How many there are at most.
    size: u32,
    common: OnceCell<Common>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Worker>,
    numbers: BTreeSet<u32>,
    /// How many were started, for the names of their logs.
    started: u32,
}

#[derive(Debug)]
struct Worker {
    number: u32,
    kubeconfig: String,
    process: Process,
}

impl Pool {
    /// For so many specs at once.
    pub(crate) fn new(size: usize) -> Self {
        // Ginkgo does not speak to a server when there is one process.
        let size = u32::try_from(size).unwrap_or(u32::MAX).max(2);
        Self { size, common: OnceCell::new(), state: Mutex::default() }
    }

    /// Runs the spec; `None` where it cannot run beside others.
    pub(crate) async fn run(&self, turn: &Invocation<'_>, stop: &Stop) -> Result<Option<Ended>, InvokeError> {
        let common = self.common.get_or_try_init(Common::new).await?;
        if common.order.get().is_some_and(|order| order.of(turn.upstream).is_none()) {
            return Ok(None);
        }
        // The first ones start while the order is asked for.
        let (worker, order) = tokio::join!(self.take(common, turn, stop), common.order(turn, stop));
        let mut worker = worker?;
        let task = Task { upstream: turn.upstream, limit: turn.limit, log: turn.log };
        let ended = match order.map(|order| order.map(|order| order.of(turn.upstream))) {
            Ok(Some(Some(group))) => worker.process.perform(group, task, stop).await,
            Ok(Some(None)) => {
                // It may be setting the suite up for the others.
                self.state.lock().await.idle.push(worker);
                return Ok(None);
            }
            Ok(None) => worker.process.stop(task, Vec::new(), Instant::now(), stop).await,
            Err(error) => {
                worker.process.kill().await?;
                Err(error)
            }
        };
        if matches!(&ended, Ok(Ended::Ran(Ran { outcome: Outcome::Unknown, .. })) | Err(InvokeError::Died { .. })) {
            // It may be of another program.
            Order::forget(turn.suite);
        }
        self.give_back(common, worker).await;
        ended.map(Some)
    }

    /// Ends all processes, the first one last: it takes the suite's set-up back when it is alone.
    pub(crate) async fn end(&self) -> Result<(), InvokeError> {
        let Some(common) = self.common.get() else { return Ok(()) };
        let mut idle = std::mem::take(&mut self.state.lock().await.idle);
        idle.sort_by_key(|worker| std::cmp::Reverse(worker.number));
        let (first, others): (Vec<Worker>, Vec<Worker>) = idle.into_iter().partition(|worker| worker.number == FIRST);
        let end = async |worker: Worker| {
            let ended = worker.process.end().await;
            common.server.close(worker.number);
            ended
        };
        for ended in futures::future::join_all(others.into_iter().map(end)).await {
            ended?;
        }
        for worker in first {
            end(worker).await?;
        }
        Ok(())
    }

    /// How many processes there were so far.
    #[cfg(test)]
    pub(crate) async fn started(&self) -> u32 {
        self.state.lock().await.started
    }

    async fn take(&self, common: &Common, turn: &Invocation<'_>, stop: &Stop) -> Result<Worker, InvokeError> {
        let (number, started, other) = {
            let mut state = self.state.lock().await;
            // One that died while it waited takes no spec along.
            let dead = state.idle.extract_if(.., |worker| !worker.process.is_alive()).collect::<Vec<_>>();
            for worker in dead {
                state.numbers.remove(&worker.number);
                common.server.close(worker.number);
            }
            let fits = |worker: &Worker| worker.kubeconfig == turn.kubeconfig;
            if let Some(at) = state.idle.iter().position(fits) {
                return Ok(state.idle.swap_remove(at));
            }
            // Of a cluster that was made anew meanwhile.
            let other = state.idle.pop();
            if let Some(other) = &other {
                state.numbers.remove(&other.number);
                common.server.close(other.number);
            }
            let number = (FIRST..=self.size).find(|number| !state.numbers.contains(number)).unwrap_or(self.size);
            state.numbers.insert(number);
            state.started += 1;
            (number, state.started, other)
        };
        if let Some(mut other) = other {
            // Its cluster is gone, so it has nothing to clean up.
            other.process.kill().await?;
        }
        let log = common.logs.path().join(format!("{started}.log"));
        let place = Place {
            suite: turn.suite,
            kubeconfig: turn.kubeconfig,
            log: &log,
            focus: None,
            own_group: stop.may_come(),
        };
        match Process::start(&common.server, Share { number, of: self.size }, &place) {
            Ok(process) => Ok(Worker { number, kubeconfig: turn.kubeconfig.to_owned(), process }),
            Err(error) => {
                common.server.close(number);
                self.state.lock().await.numbers.remove(&number);
                Err(error)
            }
        }
    }

    async fn give_back(&self, common: &Common, worker: Worker) {
        let mut state = self.state.lock().await;
        if worker.process.is_idle() {
            state.idle.push(worker);
        } else {
            common.server.close(worker.number);
            state.numbers.remove(&worker.number);
        }
    }
}

impl Common {
    async fn new() -> Result<Self, InvokeError> {
        let file = |action| move |source| InvokeError::File { action, source };
        let logs = tempfile::Builder::new().prefix("kind-conformance-").tempdir().map_err(file("make a folder"))?;
        let server = Server::start().await.map_err(file("listen"))?;
        Ok(Self { server, order: OnceCell::new(), logs })
    }

    /// The order of the suite; `None` where somebody asked for the end before it was known.
    async fn order(&self, turn: &Invocation<'_>, stop: &Stop) -> Result<Option<&Order>, InvokeError> {
        let log = self.logs.path().join("order.log");
        let order = self.order.get_or_try_init(async || Order::find(turn.suite, turn.kubeconfig, &log).await);
        tokio::select! {
            order = order => order.map(Some).map_err(|error| InvokeError::Order(Box::new(error))),
            () = stop.asked() => Ok(None),
        }
    }
}
