//! Clusters that nobody uses for a while are paused, and go on for whoever comes.

use std::time::Duration;

use kind_core::{
    access::Access,
    wait::{self, Check},
};

use super::stage::{Owner, Stage, play};
use crate::{
    Outcome,
    order::Order,
    state::{Found, Report, State},
};

/// After how long without use clusters are paused here.
const PAUSE: Duration = Duration::from_millis(50);

fn order(stage: &Stage, owner: Option<&Owner>) -> Order {
    Order { pause: Some(PAUSE), ..stage.order(owner) }
}

/// Makes a cluster and leaves it.
async fn used_once(stage: &Stage, order: &Order) {
    let lease = stage.acquire(order, Access::Shared, "first").await.unwrap();
    stage.machine.enter(&lease.record().name).leave();
    lease.release(Outcome::Passed).await;
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let limit = Duration::from_secs(10);
    let looked = wait::until_every(Duration::from_millis(5), what, limit, async || {
        if holds() { Check::Done(()) } else { Check::not_yet("it does not hold") }
    });
    looked.await.unwrap();
}

async fn until_frozen(stage: &Stage, order: &Order) {
    until("it is paused", || stage.machine.is_frozen(&order.key.cluster())).await;
    let is_told = || {
        let report = stage.folder(order).report().unwrap();
        matches!(report, Found::This(Report { state: State::Paused { .. }, .. }))
    };
    until("that is told", is_told).await;
}

async fn use_again(stage: &Stage, order: &Order) {
    let lease = stage.acquire(order, Access::Shared, "again").await.unwrap();
    stage.machine.enter(&lease.record().name).leave();
    lease.release(Outcome::Passed).await;
}

#[test]
fn who_comes_to_a_paused_cluster_gets_it_and_while_it_is_used_it_is_not_paused() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = order(&stage, Some(&owner));
        used_once(&stage, &order).await;
        until_frozen(&stage, &order).await;
        let lease = stage.acquire(&order, Access::Exclusive, "second").await.unwrap();
        let using = stage.machine.enter(&lease.record().name);
        tokio::time::timeout(20 * PAUSE, std::future::pending::<()>()).await.unwrap_err();
        assert!(!stage.machine.is_frozen(&order.key.cluster()));
        using.leave();
        lease.release(Outcome::Passed).await;
        assert_eq!(stage.machine.creations(), 1);
        until_frozen(&stage, &order).await;
        owner.end();
        stage.assert_all_gone().await;
    });
}

#[test]
fn whoever_is_connected_keeps_it_awake_and_wakes_it() {
    play(async {
        let stage = Stage::new();
        let order = order(&stage, None);
        stage.machine.connect(true);
        used_once(&stage, &order).await;
        tokio::time::timeout(Duration::from_millis(1200), std::future::pending::<()>()).await.unwrap_err();
        assert!(!stage.machine.is_frozen(&order.key.cluster()));
        stage.machine.connect(false);
        until_frozen(&stage, &order).await;
        let since = stage.folder(&order).last_use().unwrap();
        stage.machine.connect(true);
        until("it goes on", || !stage.machine.is_frozen(&order.key.cluster())).await;
        assert!(stage.folder(&order).last_use().unwrap() > since, "it counts as used");
        stage.machine.connect(false);
        until_frozen(&stage, &order).await;
        // What removes what is spare has it also while it is paused.
        stage.folder(&order).users().unwrap().disuse().unwrap();
        stage.assert_all_gone().await;
    });
}

#[test]
fn an_engine_that_cannot_freeze_is_asked_once_and_tests_go_on() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = order(&stage, Some(&owner));
        stage.machine.refuse("pause", 5);
        used_once(&stage, &order).await;
        until("it was tried", || stage.machine.refusals_left("pause") == 4).await;
        use_again(&stage, &order).await;
        tokio::time::timeout(Duration::from_millis(1200), std::future::pending::<()>()).await.unwrap_err();
        assert_eq!((stage.machine.refusals_left("pause"), stage.machine.creations()), (4, 1));
        owner.end();
        stage.assert_all_gone().await;
    });
}

#[test]
fn one_that_does_not_go_on_is_made_anew() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = order(&stage, Some(&owner));
        used_once(&stage, &order).await;
        until_frozen(&stage, &order).await;
        stage.machine.damage(&order.key.cluster(), "stopped");
        use_again(&stage, &order).await;
        assert_eq!(stage.machine.creations(), 2);
        owner.end();
        stage.assert_all_gone().await;
    });
}

#[test]
fn a_keeper_that_is_killed_leaves_a_paused_cluster_to_the_next() {
    play(async {
        let stage = Stage::new();
        let order = order(&stage, None);
        used_once(&stage, &order).await;
        until_frozen(&stage, &order).await;
        stage.keepers.kill().await;
        stage.sweep().await;
        assert_eq!(stage.machine.clusters().len(), 1, "it is for the next run");
        use_again(&stage, &order).await;
        assert_eq!(stage.machine.creations(), 1);
        stage.folder(&order).users().unwrap().disuse().unwrap();
        stage.assert_all_gone().await;
    });
}

#[test]
fn what_is_kept_for_a_look_is_not_frozen() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = order(&stage, Some(&owner));
        let lease = stage.acquire(&order, Access::Shared, "fails").await.unwrap();
        lease.release(Outcome::Failed).await;
        until_frozen(&stage, &order).await;
        owner.end();
        stage.keepers.end().await;
        assert!(!stage.machine.is_frozen(&order.key.cluster()));
        let report = stage.folder(&order).report().unwrap();
        assert!(matches!(report, Found::This(Report { state: State::Kept { .. }, .. })), "{report:?}");
    });
}
