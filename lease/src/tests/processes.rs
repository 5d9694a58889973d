//! Real processes with real signals: any of them is killed.

use std::time::Duration;

use kind_core::access::Access;
use nix::sys::signal::{Signal, kill};

use super::game::{Game, Player, play};

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

/// The keeper's log is read by nobody.
#[test]
fn what_a_keeper_warns_of_is_said_by_the_test_that_started_it() {
    play(async {
        let mut game = Game::new();
        game.machine().warn_of("the engine is odd");
        let first = game.player(Access::Shared);
        first.leased().await;
        let second = game.player(Access::Shared);
        second.leased().await;
        let (first, second) = (first.say_and_finish(), second.say_and_finish());
        assert_eq!(first.matches("warning: the engine is odd").count(), 1, "{first}");
        assert!(!second.contains("warning"), "{second}");
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
        game.kill_keeper().await;
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
        let keeper = game.kill_keeper().await;
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
        // Nobody waits for its end: the players go while it does.
        kill(game.keeper().unwrap(), Signal::SIGKILL).unwrap();
        players.into_iter().for_each(Player::kill);
        game.end_run();
        assert_eq!(game.machine().clusters().len(), 1);
        game.begin_next_run();
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

/// A test that ends looks for the keeper: no other may come that would.
#[test]
fn a_keeper_killed_over_the_last_test_is_replaced_by_it() {
    play(async {
        let mut game = Game::new();
        let players: Vec<Player> = (0..3).map(|_| game.player(Access::Shared)).collect();
        for player in &players {
            player.leased().await;
        }
        let keeper = game.kill_keeper().await;
        players.into_iter().for_each(Player::finish);
        assert_ne!(game.keeper(), Some(keeper), "it has a keeper again");
        assert_eq!(game.machine().creations(), 1);
        game.end().await;
    });
}
