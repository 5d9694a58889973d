//! A process dies after each single step that it takes, in every situation: whoever comes next gets a cluster, nobody
//! loses one, and in the end nothing is left. Which steps there are is not listed anywhere: it goes on until one comes
//! through alive.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use kind_core::access::Access;

use super::{
    death::{self, Role},
    game::{Game, Player, appear, play},
};

/// How many games are played at once: most of each is waiting.
const AT_ONCE: usize = 4;

/// What the one that dies is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Situation {
    /// A test comes first, uses the cluster and goes.
    FirstTest,
    /// A test wants a running cluster for itself.
    ExclusiveTest,
    /// A test ends, and its keeper was killed.
    TestWithoutKeeper,
    /// A keeper makes a cluster, watches over it and removes it.
    Keeper,
    /// A keeper takes over a cluster whose keeper was killed.
    TakingOver,
    /// A keeper makes a cluster anew that an exclusive test broke.
    Broken,
    /// A keeper sweeps what another run left.
    Sweeping,
}

impl Situation {
    fn role(self) -> Role {
        match self {
            Self::FirstTest | Self::ExclusiveTest | Self::TestWithoutKeeper => Role::Player,
            Self::Keeper | Self::TakingOver | Self::Broken | Self::Sweeping => Role::Keeper,
        }
    }
}

/// Plays one game in which the one in question dies after so many steps. Says after which; `None` if it had fewer.
async fn dies_after(situation: Situation, steps: u32) -> Option<String> {
    let mut game = Game::new();
    let note = game.root.path().join("died");
    let role = situation.role();
    let doomed =
        |game: &mut Game, access| game.player_with(access, |command| death::after(command, role, steps, &note));
    match situation {
        Situation::FirstTest => play_out(doomed(&mut game, Access::Shared), &note).await,
        Situation::ExclusiveTest => {
            let first = game.player(Access::Shared);
            first.leased().await;
            first.finish();
            play_out(doomed(&mut game, Access::Exclusive), &note).await;
        }
        Situation::TestWithoutKeeper => {
            let player = doomed(&mut game, Access::Shared);
            if leased_or_dead(&player, &note).await {
                game.kill_keeper().await;
            }
            play_out(player, &note).await;
        }
        Situation::Keeper => {
            let player = doomed(&mut game, Access::Shared);
            player.leased().await;
            player.finish();
        }
        Situation::TakingOver | Situation::Broken => {
            let access = if situation == Situation::Broken { Access::Exclusive } else { Access::Shared };
            let first = game.player(access);
            first.leased().await;
            game.kill_keeper().await;
            if situation == Situation::Broken {
                game.machine().damage_all("broken");
            }
            first.kill();
            let player = doomed(&mut game, Access::Shared);
            player.leased().await;
            player.finish();
        }
        Situation::Sweeping => {
            let first = game.player(Access::Shared);
            first.leased().await;
            game.kill_keeper().await;
            first.kill();
            game.end_run();
            game.begin_next_run();
            let player = doomed(&mut game, Access::Shared);
            player.leased().await;
            player.finish();
        }
    }
    // Whoever comes then finds a cluster, or gets one.
    for _ in 0..2 {
        let next = game.player(Access::Shared);
        next.leased().await;
        next.finish();
        // What a keeper leaves that dies of the end of its run, the next run's sweeps.
        game.end_run();
        game.keepers_end().await;
        game.begin_next_run();
    }
    let died = fs::read_to_string(&note).ok();
    game.end().await;
    died
}

/// Lets a player go on to its end, or its death.
async fn play_out(player: Player, note: &Path) {
    leased_or_dead(&player, note).await;
    player.let_go();
    let output = player.process.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() || note.exists(), "{text}");
}

/// Waits until a player has its lease, or is dead: then it says no.
async fn leased_or_dead(player: &Player, note: &Path) -> bool {
    let leased = player.folder.join("leased");
    tokio::select! {
        () = appear(&leased) => true,
        () = appear(note) => false,
    }
}

/// Every death there is in a situation; there are at least so many.
fn every_death(situation: Situation, least: u32) {
    let (next, survived) = (AtomicU32::new(1), AtomicU32::new(u32::MAX));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while survived.load(Ordering::Relaxed) == u32::MAX {
                    let steps = next.fetch_add(1, Ordering::Relaxed);
                    play(async {
                        match dies_after(situation, steps).await {
                            Some(done) => println!("{situation:?}: died after step {steps}, when it {done}"),
                            None => {
                                survived.fetch_min(steps - 1, Ordering::Relaxed);
                            }
                        }
                    });
                }
            });
        }
    });
    let deaths = survived.into_inner();
    println!("{situation:?}: {deaths} deaths");
    assert!(deaths >= least, "{situation:?}: only {deaths} steps to die after");
}

#[test]
fn of_the_first_test() {
    every_death(Situation::FirstTest, 10);
}

#[test]
fn of_an_exclusive_test() {
    every_death(Situation::ExclusiveTest, 10);
}

#[test]
fn of_a_test_that_lost_its_keeper() {
    every_death(Situation::TestWithoutKeeper, 10);
}

#[test]
fn of_a_keeper() {
    every_death(Situation::Keeper, 25);
}

#[test]
fn of_a_keeper_that_takes_over() {
    every_death(Situation::TakingOver, 5);
}

#[test]
fn of_a_keeper_over_a_broken_cluster() {
    every_death(Situation::Broken, 25);
}

#[test]
fn of_a_keeper_that_sweeps() {
    every_death(Situation::Sweeping, 25);
}
