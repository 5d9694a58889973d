//! A game of real processes: this test binary runs itself again as tests, each in a process group of its own as nextest
//! has them, and those run it again as keepers.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use kind_core::{
    access::Access,
    process::ProcessId,
    scope::Scope,
    settings::Keep,
    wait::{self, Check},
};
use kind_engine::EngineError;
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

use super::{
    machine::Machine,
    stage::{self, Owner, nowhere},
};
use crate::{
    Holder, Outcome,
    acquire::Request,
    folder::{Folder, Home},
    provisioner::Provisioner,
    starter::{Reexecution, Started, Starter},
};

/// Tells a player which game it plays.
const GAME: &str = "KIND_HARNESS_TEST_GAME";
/// A new run replaces this file of the game.
const OWNER: &str = "owner";

/// A game: a state folder, a machine, an owner, and players that are processes.
pub(super) struct Game {
    pub(super) root: tempfile::TempDir,
    owner: Owner,
    players: u32,
}

/// The machine of a state folder, for players and keepers alike.
fn machine(home: &Path) -> Machine {
    Machine::at(&home.with_file_name("machine"))
}

/// The machine of the game that a keeper's starter played, where it played one.
pub(crate) fn machine_of_game(home: &Home) -> Option<Arc<dyn Provisioner>> {
    game().map(|_| Arc::new(machine(home.path())) as Arc<dyn Provisioner>)
}

/// The game that this process plays, or was started by.
#[expect(clippy::disallowed_methods, reason = "the variable is between the tests of this file")]
fn game() -> Option<OsString> {
    std::env::var_os(GAME)
}

/// Starts keepers as everybody does, and needs no engine for it.
struct WithoutEngine(Reexecution);

#[async_trait(?Send)]
impl Starter for WithoutEngine {
    async fn check(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn start(&self, folder: &Folder) -> io::Result<Box<dyn Started>> {
        self.0.start(folder)
    }
}

/// Not a test of its own: what a player does.
#[test]
fn player() {
    let Some(game) = game() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(take_part(Path::new(&game)));
}

async fn take_part(own: &Path) {
    let root = own.parent().unwrap();
    let home = Home::open(&root.join("state")).unwrap();
    let owner: ProcessId = serde_json::from_slice(&fs::read(root.join(OWNER)).unwrap()).unwrap();
    let scope = Scope { name: owner.to_string(), owner: Some(owner) };
    let order = stage::order(&home, scope, Duration::from_secs(1800));
    let access = serde_json::from_slice(&fs::read(own.join("access")).unwrap()).unwrap();
    let holder = Holder { test: own.file_name().unwrap().to_string_lossy().into_owned() };
    let starter = WithoutEngine(Reexecution { engine: nowhere() });
    let request = Request {
        home: &home,
        order: &order,
        access,
        holder: &holder,
        keep: Keep::Never,
        attempt: 1,
        wait: Duration::from_secs(600),
        starter: Rc::new(starter),
    };
    let start = Instant::now();
    let lease = request.lease().await.unwrap();
    let took = start.elapsed();
    let using = machine(home.path()).enter(&lease.record().name);
    fs::write(own.join("leased"), took.as_micros().to_string()).unwrap();
    appear(&own.join("go")).await;
    using.leave();
    lease.release(Outcome::Passed).await;
}

pub(super) async fn appear(path: &Path) {
    let there = wait::until_every(Duration::from_millis(2), path.display(), Duration::from_secs(90), async || {
        if path.exists() { Check::Done(()) } else { Check::not_yet("it is not there") }
    });
    there.await.unwrap();
}

pub(super) struct Player {
    pub(super) folder: PathBuf,
    pub(super) process: Child,
}

impl Game {
    pub(super) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let owner = Owner::new();
        fs::write(root.path().join(OWNER), serde_json::to_string(&owner.process()).unwrap()).unwrap();
        Self { root, owner, players: 0 }
    }

    pub(super) fn machine(&self) -> Machine {
        machine(&self.state())
    }

    /// The next run: the same state folder and another owner.
    pub(super) fn begin_next_run(&mut self) {
        let next = Owner::new();
        fs::write(self.root.path().join(OWNER), serde_json::to_string(&next.process()).unwrap()).unwrap();
        self.owner = next;
    }

    pub(super) fn player(&mut self, access: Access) -> Player {
        self.player_with(access, |_| {})
    }

    /// A player with something more in its environment.
    pub(super) fn player_with(&mut self, access: Access, equip: impl FnOnce(&mut Command)) -> Player {
        self.players += 1;
        let folder = self.root.path().join(format!("player-{}", self.players));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("access"), serde_json::to_string(&access).unwrap()).unwrap();
        let mut command = Command::new("/proc/self/exe");
        command
            .args(["--exact", &format!("{}::player", module()), "--nocapture"])
            .env(GAME, &folder)
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        equip(&mut command);
        Player { folder, process: command.spawn().unwrap() }
    }

    /// The process of the last keeper that got to work.
    pub(super) fn keeper(&self) -> Option<Pid> {
        let folders = Home::open(&self.state()).unwrap().folders().unwrap();
        let logs = folders.iter().filter_map(|folder| fs::read_to_string(folder.log()).ok());
        // Each line begins with its time.
        let last = |log: String| Some(log.lines().rev().find(|line| line.contains("] keeper of "))?.to_owned());
        let line = logs.filter_map(last).max()?;
        let pid = line.split_once('[')?.1.split_once(']')?.0;
        Some(Pid::from_raw(pid.parse().ok()?))
    }

    /// Kills the last keeper that got to work, and waits for its end: until then it has its locks, and nobody comes in its
    /// place.
    pub(super) async fn kill_keeper(&self) -> Pid {
        let keeper = self.keeper().unwrap();
        let process = ProcessId::of(keeper.as_raw().cast_unsigned()).unwrap();
        kill(keeper, Signal::SIGKILL).unwrap();
        // The locks are those of all of its threads, and the first thread may end before the others.
        let threads = || fs::read_dir(format!("/proc/{keeper}/task")).map_or(0, Iterator::count);
        self.until("the keeper's end", |_| !process.is_alive() && threads() <= 1).await;
        keeper
    }

    /// All keepers that live.
    pub(super) fn keepers(&self) -> Vec<u32> {
        kind_testkit::keepers(&self.state())
    }

    fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    /// Everything in the state folder but what always stays.
    fn left(&self) -> Vec<PathBuf> {
        let names = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let all = names(self.state()).chain(names(self.state().join("clusters")));
        all.filter(|path| !path.ends_with("identity") && !path.ends_with("clusters")).collect()
    }

    /// Ends the run's owner. Its keeper may live on for a while.
    pub(super) fn end_run(&mut self) {
        self.owner.end();
    }

    /// Waits for something about the machine or the folders.
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let there = wait::until_every(Duration::from_millis(2), what, Duration::from_secs(90), async || {
            if holds(self) { Check::Done(()) } else { Check::not_yet("it does not hold") }
        });
        there.await.unwrap();
    }

    /// Waits until no keeper lives, nor holds its lock: a killed one may hold that for a moment longer, and whoever sweeps
    /// in that moment leaves the cluster to it.
    pub(super) async fn keepers_end(&self) {
        let held = |game: &Self| {
            let folders = Home::open(&game.state()).unwrap().folders().unwrap();
            folders.iter().any(|folder| folder.has_keeper().unwrap_or_default())
        };
        self.until("the keepers are gone", |game| game.keepers().is_empty() && !held(game)).await;
    }

    /// Ends the run: nothing stays, the keeper included.
    pub(super) async fn end(mut self) {
        self.end_run();
        let gone =
            wait::until_every(Duration::from_millis(2), "nothing is left", Duration::from_secs(90), async || {
                let (left, clusters) = (self.left(), self.machine().clusters());
                if left.is_empty() && clusters.is_empty() {
                    Check::Done(())
                } else {
                    Check::not_yet(format!("{left:?}, {clusters:?}, keepers {:?}", self.keepers()))
                }
            });
        gone.await.unwrap();
        self.keepers_end().await;
        self.machine().assert_no_breach();
    }
}

impl Player {
    pub(super) async fn leased(&self) {
        appear(&self.folder.join("leased")).await;
    }

    /// Lets it give its lease back as soon as it has one.
    pub(super) fn let_go(&self) {
        fs::write(self.folder.join("go"), "").unwrap();
    }

    /// Lets it end, and nothing of it holds its output open: a runner would call that a leak.
    pub(super) fn finish(self) {
        self.say_and_finish();
    }

    /// As [`Player::finish`], and what it printed.
    pub(super) fn say_and_finish(self) -> String {
        self.let_go();
        let output = self.process.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
        text
    }

    /// Kills it as a runner does, with all of its process group.
    pub(super) fn kill(mut self) {
        killpg(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGKILL).unwrap();
        assert_eq!(self.process.wait().unwrap().signal(), Some(9));
    }
}

fn module() -> &'static str {
    module_path!().split_once("::").unwrap().1
}

pub(super) fn play(game: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(game);
}
