//! What the tests of the protocol have in common: a state folder, a machine, an owner that can be ended, and keepers that
//! live in this process and can be killed between any two of their steps.

use std::{
    cell::{Cell, RefCell},
    io,
    process::{Child, Command},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kind_core::{
    access::Access,
    process::ProcessId,
    scope::Scope,
    settings::Keep,
    spec::{ClusterSpec, Shape},
    wait::{self, Check},
};
use kind_engine::{EngineAddress, EngineError, FoundBy};
use tokio::task::JoinHandle;

use super::machine::Machine;
use crate::{
    Holder, Lease, LeaseError,
    acquire::Request,
    fate::UNKNOWN,
    folder::{Folder, Home},
    keeper::{Effect, Extent, Journal, Life, Phase, Sweep, Swept},
    key::Key,
    order::Order,
    starter::{Started, Starter},
};

/// A process whose end is the end of a run.
pub(super) struct Owner {
    child: Child,
    process: ProcessId,
}

impl Owner {
    pub(super) fn new() -> Self {
        let child = Command::new("sleep").arg("600").spawn().unwrap();
        let process = ProcessId::of(child.id()).unwrap();
        Self { child, process }
    }

    /// The process, alive or not.
    pub(super) fn process(&self) -> ProcessId {
        self.process.clone()
    }

    pub(super) fn end(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A state folder with its machine.
pub(super) struct Stage {
    _root: tempfile::TempDir,
    pub(super) home: Home,
    pub(super) machine: Machine,
    pub(super) keepers: Keepers,
    pub(super) keep: Keep,
    pub(super) idle: Duration,
    pub(super) wait: Duration,
}

impl Stage {
    pub(super) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let home = Home::open(&root.path().join("state")).unwrap();
        let machine = Machine::at(&root.path().join("machine"));
        let keepers = Keepers { machine: machine.clone(), tasks: Rc::default(), silent: Rc::default() };
        Self {
            _root: root,
            home,
            machine,
            keepers,
            keep: Keep::OnFailure,
            idle: Duration::from_secs(1800),
            wait: Duration::from_secs(600),
        }
    }

    /// The order of one run of that owner; without one, of the user.
    pub(super) fn order(&self, owner: Option<&Owner>) -> Order {
        let owner = owner.map(Owner::process);
        let scope = Scope { name: owner.as_ref().map_or("user".to_owned(), ToString::to_string), owner };
        order(&self.home, scope, self.idle)
    }

    pub(super) fn folder(&self, order: &Order) -> Folder {
        self.home.folder(&order.key)
    }

    pub(super) async fn acquire(&self, order: &Order, access: Access, test: &str) -> Result<Lease, LeaseError> {
        self.acquire_again(order, access, test, 1).await
    }

    /// Acquires in a further attempt of the test.
    pub(super) async fn acquire_again(
        &self,
        order: &Order,
        access: Access,
        test: &str,
        attempt: u32,
    ) -> Result<Lease, LeaseError> {
        let holder = Holder { test: test.to_owned() };
        let (home, keep, starter) = (&self.home, self.keep, Rc::new(self.keepers.clone()));
        Request { home, order, access, holder: &holder, keep, attempt, wait: self.wait, starter }.lease().await
    }

    /// Waits until nothing is left: no folder, no cluster, no keeper.
    pub(super) async fn assert_all_gone(&self) {
        let gone = wait::until_every(
            Duration::from_millis(10),
            "the end of everything",
            Duration::from_secs(20),
            async || {
                let left = (self.home.folders().unwrap(), self.machine.clusters(), self.keepers.alive());
                let nothing = left.0.is_empty() && left.1.is_empty() && left.2 == 0;
                if nothing { Check::Done(()) } else { Check::not_yet(format!("{left:?}")) }
            },
        );
        gone.await.unwrap();
        self.machine.assert_no_breach();
    }

    /// Sweeps, as a keeper does when it starts.
    pub(super) async fn sweep(&self) {
        self.sweep_with(Extent::Ownerless, UNKNOWN, &|_| {}).await;
    }

    /// Sweeps what is there for people to look at as well.
    pub(super) async fn sweep_spare(&self) {
        self.sweep_with(Extent::Spare, UNKNOWN, &|_| {}).await;
    }

    pub(super) async fn sweep_with(&self, extent: Extent, unknown: Duration, tell: &dyn Fn(Swept)) {
        let (home, provisioner, effect) = (&self.home, &self.machine, Effect::Remove);
        Sweep { home, provisioner, extent, effect, unknown, tell }.run(None).await;
    }
}

/// An engine's address at which nobody listens.
pub(crate) fn nowhere() -> EngineAddress {
    EngineAddress { host: "unix:///nonexistent".to_owned(), tls: None, found_by: FoundBy::DockerHost }
}

pub(crate) fn order(home: &Home, scope: Scope, idle: Duration) -> Order {
    let shape = Shape::of(&ClusterSpec::default());
    let key = Key::of(&shape, ("image", None), "fake", &kind_core::spec::Proxy::default(), &scope, &home.identity());
    Order {
        key,
        shape,
        snapshot: None,
        image: None,
        load_balancer_image: None,
        built: "image".to_owned(),
        scope: scope.name,
        owner: scope.owner,
        idle,
        pause: None,
        engine: nowhere(),
        pools: kind_core::spec::NetworkPools::default(),
        docker_client: None,
        proxy: kind_core::spec::Proxy::default(),
        logs: "/nonexistent".into(),
        records: None,
    }
}

/// Keepers as tasks of the test's own thread.
#[derive(Clone)]
pub(super) struct Keepers {
    machine: Machine,
    tasks: Rc<RefCell<Vec<JoinHandle<()>>>>,
    /// Whether a keeper dies before it does anything.
    silent: Rc<Cell<bool>>,
}

/// Whether a keeper ended.
struct Task(Arc<AtomicBool>);

impl Keepers {
    /// Kills all, and returns when they are dead.
    pub(super) async fn kill(&self) {
        let tasks = std::mem::take(&mut *self.tasks.borrow_mut());
        for task in tasks {
            task.abort();
            // Being killed is how it ends.
            let _ = task.await;
        }
    }

    /// Waits until all have ended by themselves.
    pub(super) async fn end(&self) {
        let ended = wait::until("the end of the keepers", Duration::from_secs(20), async || {
            if self.alive() == 0 { Check::Done(()) } else { Check::not_yet("some live") }
        });
        ended.await.unwrap();
    }

    /// How many live.
    pub(super) fn alive(&self) -> usize {
        self.tasks.borrow().iter().filter(|task| !task.is_finished()).count()
    }

    /// Makes those that are started die at once.
    pub(super) fn silence(&self) {
        self.silent.set(true);
    }

    /// Lives at most so many steps of a keeper's life, then dies. Says whether the life was over before.
    pub(super) async fn live(&self, folder: &Folder, steps: usize) -> bool {
        let order = match folder.order().unwrap() {
            crate::state::Found::This(order) => order,
            other => panic!("no order: {other:?}"),
        };
        let journal = Journal::open(folder).unwrap();
        let mut life = Life::new(folder, &order, &self.machine, &journal);
        if steps == usize::MAX {
            life.run().await.unwrap();
        }
        for _ in 0..steps {
            if *life.phase() == Phase::Over {
                break;
            }
            life.advance().await.unwrap();
        }
        *life.phase() == Phase::Over
    }
}

#[async_trait(?Send)]
impl Starter for Keepers {
    async fn check(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn start(&self, folder: &Folder) -> io::Result<Box<dyn Started>> {
        let (keepers, folder) = (self.clone(), folder.clone());
        let ended = Arc::new(AtomicBool::new(self.silent.get()));
        let end = Arc::clone(&ended);
        if !ended.load(Ordering::Relaxed) {
            let task = tokio::task::spawn_local(async move {
                struct End(Arc<AtomicBool>);
                impl Drop for End {
                    fn drop(&mut self) {
                        self.0.store(true, Ordering::Relaxed);
                    }
                }
                let _end = End(end);
                keepers.live(&folder, usize::MAX).await;
            });
            self.tasks.borrow_mut().push(task);
        }
        Ok(Box::new(Task(ended)))
    }
}

impl Started for Task {
    fn ended(&self) -> Option<String> {
        self.0.load(Ordering::Relaxed).then(|| "killed".to_owned())
    }
}

/// Runs a test with tasks that stay on its thread.
pub(super) fn play(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}
