//! Real processes: this test binary runs itself again as tests, each in a process group of its own as nextest has them,
//! and those run it again as keepers. Any of them is killed.

use std::{
    fs, io,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use kind_engine::EngineError;
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

use super::{
    machine::Machine,
    stage::{self, Owner},
};
use crate::{
    lease::{
        Access, Holder, Outcome,
        acquire::Request,
        folder::{Folder, Home},
        keeper::{keeper_order, run_with},
        process::ProcessId,
        scope::Scope,
        starter::{Reexecution, Started, Starter, libtest_name},
    },
    settings::{Keep, Settings},
    wait::{self, Check},
};

/// Tells a player which game it plays.
const GAME: &str = "KIND_HARNESS_TEST_GAME";

/// A game: a state folder, a machine, an owner, and players that are processes.
struct Game {
    root: tempfile::TempDir,
    owner: Owner,
    players: u32,
}

/// The machine of a state folder, for players and keepers alike.
fn machine(home: &Path) -> Machine {
    Machine::at(&home.with_file_name("machine"))
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

/// Not a test of its own: what a player does, and a keeper.
#[test]
fn player() {
    if let Some(order) = keeper_order(&Settings::from_environment().unwrap()) {
        let code = run_with(&order, |home, _| Arc::new(machine(home.path())));
        std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
    }
    #[expect(clippy::disallowed_methods, reason = "the variable is between the tests of this file")]
    let Some(game) = std::env::var_os(GAME) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(take_part(Path::new(&game)));
}

async fn take_part(own: &Path) {
    let root = own.parent().unwrap();
    let home = Home::open(&root.join("state")).unwrap();
    let owner: ProcessId = serde_json::from_slice(&fs::read(root.join("owner")).unwrap()).unwrap();
    let order = stage::order(&home, Scope { name: "game".to_owned(), owner: Some(owner) }, Duration::from_secs(1800));
    let access = serde_json::from_slice(&fs::read(own.join("access")).unwrap()).unwrap();
    let holder = Holder { test: own.file_name().unwrap().to_string_lossy().into_owned() };
    let starter = WithoutEngine(Reexecution { engine: None, test: libtest_name(None, "") });
    let request = Request {
        home: &home,
        order: &order,
        access,
        holder: &holder,
        keep: Keep::Never,
        attempt: 1,
        starter: &starter,
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

async fn appear(path: &Path) {
    let there = wait::until_every(Duration::from_millis(2), path.display(), Duration::from_secs(90), async || {
        if path.exists() { Check::Done(()) } else { Check::not_yet("it is not there") }
    });
    there.await.unwrap();
}

struct Player {
    folder: PathBuf,
    process: Child,
}

impl Game {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let owner = Owner::new();
        fs::write(root.path().join("owner"), serde_json::to_string(&owner.process()).unwrap()).unwrap();
        Self { root, owner, players: 0 }
    }

    fn machine(&self) -> Machine {
        machine(&self.root.path().join("state"))
    }

    fn player(&mut self, access: Access) -> Player {
        self.players += 1;
        let folder = self.root.path().join(format!("player-{}", self.players));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("access"), serde_json::to_string(&access).unwrap()).unwrap();
        let process = Command::new("/proc/self/exe")
            .args(["--exact", &format!("{}::player", module()), "--nocapture"])
            .env(GAME, &folder)
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Player { folder, process }
    }

    /// The process of the last keeper that got to work.
    fn keeper(&self) -> Option<Pid> {
        let folders = Home::open(&self.root.path().join("state")).unwrap().folders().unwrap();
        let log = fs::read_to_string(folders.first()?.log()).ok()?;
        let line = log.lines().rev().find(|line| line.contains("] keeper of "))?;
        let pid = line.split_once('[')?.1.split_once(']')?.0;
        Some(Pid::from_raw(pid.parse().ok()?))
    }

    /// Waits for something about the machine or the folders.
    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let there = wait::until_every(Duration::from_millis(2), what, Duration::from_secs(90), async || {
            if holds(self) { Check::Done(()) } else { Check::not_yet("it does not hold") }
        });
        there.await.unwrap();
    }

    /// Ends the run: nothing stays, the keeper included.
    async fn end(mut self) {
        let keeper = self.keeper();
        self.owner.end();
        self.until("nothing is left", |game| {
            let home = Home::open(&game.root.path().join("state")).unwrap();
            home.folders().unwrap().is_empty() && game.machine().clusters().is_empty()
        })
        .await;
        if let Some(keeper) = keeper {
            self.until("the keeper is gone", |_| kill(keeper, None).is_err()).await;
        }
        self.machine().assert_no_breach();
    }
}

impl Player {
    async fn leased(&self) {
        appear(&self.folder.join("leased")).await;
    }

    /// Lets it give its lease back as soon as it has one.
    fn let_go(&self) {
        fs::write(self.folder.join("go"), "").unwrap();
    }

    /// Lets it end, and nothing of it holds its output open: a runner would call that a leak.
    fn finish(self) {
        self.let_go();
        let output = self.process.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
    }

    /// Kills it as a runner does, with all of its process group.
    fn kill(mut self) {
        killpg(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGKILL).unwrap();
        assert_eq!(self.process.wait().unwrap().signal(), Some(9));
    }
}

fn module() -> &'static str {
    module_path!().split_once("::").unwrap().1
}

fn play(game: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(game);
}

#[test]
fn processes_share_one_cluster_that_goes_with_the_run() {
    play(async {
        let mut game = Game::new();
        let players: Vec<Player> = (0..6).map(|_| game.player(Access::Shared)).collect();
        for player in &players {
            player.leased().await;
        }
        let late = game.player(Access::Shared);
        late.leased().await;
        assert_eq!(game.machine().creations(), 1);
        players.into_iter().chain([late]).for_each(Player::finish);
        assert_eq!(game.machine().clusters().len(), 1, "the run goes on");
        game.end().await;
    });
}

#[test]
fn the_creation_outlives_the_test_that_asked_for_it() {
    play(async {
        let mut game = Game::new();
        game.machine().slow_down(Duration::from_millis(150));
        let first = game.player(Access::Shared);
        game.until("a creation", |game| game.machine().creations() == 1).await;
        first.kill();
        let second = game.player(Access::Shared);
        second.leased().await;
        assert_eq!(game.machine().creations(), 1);
        second.finish();
        game.end().await;
    });
}

#[test]
fn a_keeper_killed_while_it_creates_is_replaced_by_those_who_wait() {
    play(async {
        let mut game = Game::new();
        game.machine().slow_down(Duration::from_millis(150));
        let players = [game.player(Access::Shared), game.player(Access::Exclusive)];
        game.until("a creation", |game| game.machine().creations() == 1).await;
        kill(game.keeper().unwrap(), Signal::SIGKILL).unwrap();
        // Either may come first, and the exclusive one keeps the other out.
        players.iter().for_each(Player::let_go);
        for player in players {
            player.leased().await;
            player.finish();
        }
        assert_eq!(game.machine().creations(), 2);
        game.end().await;
    });
}

#[test]
fn a_keeper_killed_over_a_running_cluster_costs_nobody_the_cluster() {
    play(async {
        let mut game = Game::new();
        let first = game.player(Access::Shared);
        first.leased().await;
        let keeper = game.keeper().unwrap();
        kill(keeper, Signal::SIGKILL).unwrap();
        let second = game.player(Access::Shared);
        second.leased().await;
        assert_ne!(game.keeper(), Some(keeper), "it has a keeper again");
        assert_eq!(game.machine().creations(), 1);
        first.finish();
        second.finish();
        game.end().await;
    });
}

#[test]
fn killed_all_at_once_leaves_nothing_that_the_next_run_does_not_remove() {
    play(async {
        let mut game = Game::new();
        let players = [game.player(Access::Shared), game.player(Access::Shared)];
        for player in &players {
            player.leased().await;
        }
        kill(game.keeper().unwrap(), Signal::SIGKILL).unwrap();
        players.into_iter().for_each(Player::kill);
        game.owner.end();
        assert_eq!(game.machine().clusters().len(), 1);
        // The next run has the same state folder and another owner.
        let next = Owner::new();
        fs::write(game.root.path().join("owner"), serde_json::to_string(&next.process()).unwrap()).unwrap();
        game.owner = next;
        let player = game.player(Access::Shared);
        player.leased().await;
        player.finish();
        game.end().await;
    });
}

#[test]
fn a_run_that_ends_while_the_cluster_is_made_leaves_nothing() {
    play(async {
        let mut game = Game::new();
        game.machine().slow_down(Duration::from_millis(150));
        let player = game.player(Access::Shared);
        game.until("a creation", |game| game.machine().creations() == 1).await;
        player.kill();
        game.end().await;
    });
}
