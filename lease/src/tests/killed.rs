//! What tests leave that were killed or that failed: namespaces go, and the cluster is looked at before others use it.

use std::{fs, time::Duration};

use kind_core::{
    access::Access,
    settings::Keep,
    wait::{self, Check},
};

use super::stage::{Owner, Stage, play};
use crate::{
    Lease, Outcome,
    order::Order,
    state::{Found, State},
};

/// Kills the test of that name, as far as anybody else can see.
fn kill(stage: &Stage, order: &Order, test: &str, lease: Lease) {
    for entry in fs::read_dir(stage.folder(order).holders()).unwrap() {
        let path = entry.unwrap().path();
        let mut mark: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        if mark["test"] == test {
            mark["process"]["boot"] = "another".into();
            fs::write(&path, mark.to_string()).unwrap();
        }
    }
    drop(lease);
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let there = wait::until_every(Duration::from_millis(5), what, Duration::from_secs(20), async || {
        if holds() { Check::Done(()) } else { Check::not_yet("it does not hold") }
    });
    there.await.unwrap();
}

fn log(stage: &Stage, order: &Order) -> String {
    fs::read_to_string(stage.folder(order).log()).unwrap_or_default()
}

#[test]
fn the_namespace_of_a_killed_test_goes() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let (killed, other) = (
            stage.acquire(&order, Access::Shared, "a").await.unwrap(),
            stage.acquire(&order, Access::Shared, "b").await.unwrap(),
        );
        killed.uses("a-1");
        stage.machine.refuse("delete namespace", 1);
        let name = killed.record().name.clone();
        kill(&stage, &order, "a", killed);
        until("the end of the namespace", || !stage.machine.deleted_namespaces().is_empty()).await;
        assert_eq!(stage.machine.deleted_namespaces(), [format!("{name}/a-1")]);
        let folder = stage.folder(&order);
        until("the end of the mark", || fs::read_dir(folder.holders()).unwrap().count() == 1).await;
        assert_eq!(folder.live_holders().len(), 1);
        until("a look at the cluster", || log(&stage, &order).contains("looked at: well")).await;
        other.release(Outcome::Passed).await;
        owner.end();
        stage.assert_all_gone().await;
        assert_eq!(stage.machine.creations(), 1);
    });
}

/// What refuses the deletion may never end. That is one reason to look at the cluster, and not one a second.
#[test]
fn a_namespace_that_cannot_be_deleted_keeps_nobody_out() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let killed = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        killed.uses("a-1");
        stage.machine.refuse("delete namespace", u32::MAX);
        kill(&stage, &order, "a", killed);
        until("a look at the cluster", || log(&stage, &order).contains("looked at: well")).await;
        let tries = || stage.machine.refusals_left("delete namespace");
        for _ in 0..2 {
            let before = tries();
            until("another try", || tries() < before).await;
            stage.acquire(&order, Access::Shared, "b").await.unwrap().release(Outcome::Passed).await;
        }
        assert_eq!(log(&stage, &order).matches("what it left stays").count(), 1, "it is told once");
        assert_eq!(log(&stage, &order).matches("looked at: well").count(), 1);
        owner.end();
        stage.assert_all_gone().await;
    });
}

#[test]
fn where_everything_is_kept_a_killed_tests_namespace_is() {
    play(async {
        let mut stage = Stage::new();
        stage.keep = Keep::Always;
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let killed = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        killed.uses("a-1");
        kill(&stage, &order, "a", killed);
        let folder = stage.folder(&order);
        until("the end of the mark", || fs::read_dir(folder.holders()).unwrap().count() == 0).await;
        assert_eq!(stage.machine.deleted_namespaces(), Vec::<String>::new());
        owner.end();
        stage.assert_all_gone().await;
    });
}

#[test]
fn a_shared_test_that_fails_and_broke_the_cluster_costs_the_next_one_a_new_cluster() {
    play(async {
        let mut stage = Stage::new();
        stage.keep = Keep::Never;
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        stage.machine.damage(&lease.record().name, "broken");
        lease.release(Outcome::Failed).await;
        let next = stage.acquire(&order, Access::Shared, "b").await.unwrap();
        assert_eq!(stage.machine.creations(), 2);
        stage.machine.enter(&next.record().name).leave();
        next.release(Outcome::Failed).await;
        let last = stage.acquire(&order, Access::Shared, "c").await.unwrap();
        assert_eq!(stage.machine.creations(), 2, "a test may fail on a cluster that is well");
        last.release(Outcome::Passed).await;
        owner.end();
        stage.assert_all_gone().await;
    });
}

/// Nobody waits for another one, so the broken one stays to be looked at.
#[test]
fn a_broken_cluster_is_kept_where_no_test_wants_another() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let lease = stage.acquire(&order, Access::Exclusive, "a").await.unwrap();
        stage.machine.damage(&lease.record().name, "broken");
        lease.release(Outcome::Failed).await;
        until("a look at the cluster", || log(&stage, &order).contains("not well")).await;
        owner.end();
        stage.keepers.end().await;
        let report = stage.folder(&order).report().unwrap();
        assert!(matches!(&report, Found::This(report) if matches!(report.state, State::Kept { .. })), "{report:?}");
        assert_eq!(stage.machine.creations(), 1);
        stage.sweep_spare().await;
        stage.assert_all_gone().await;
    });
}

#[test]
fn who_ends_in_the_middle_of_a_test_keeps_the_cluster() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        lease.last_word().unwrap().failed().unwrap();
        drop(lease);
        owner.end();
        stage.keepers.end().await;
        assert_eq!(stage.folder(&order).failed_tests(), ["a"]);
        assert_eq!(stage.machine.clusters().len(), 1);
        stage.sweep_spare().await;
        stage.assert_all_gone().await;
    });
}

#[test]
fn a_later_runs_idle_limit_counts() {
    play(async {
        let mut stage = Stage::new();
        let order = stage.order(None);
        stage.acquire(&order, Access::Shared, "a").await.unwrap().release(Outcome::Passed).await;
        stage.idle = Duration::from_millis(300);
        let order = stage.order(None);
        stage.acquire(&order, Access::Shared, "b").await.unwrap().release(Outcome::Passed).await;
        assert_eq!(stage.machine.creations(), 1);
        stage.assert_all_gone().await;
    });
}

#[test]
fn who_waits_for_a_while_is_listed() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let first = stage.acquire(&order, Access::Exclusive, "a").await.unwrap();
        let folder = stage.folder(&order);
        let leave = async {
            until("a test that waits", || folder.live_waiting().iter().any(|mark| mark.test == "b")).await;
            first.release(Outcome::Passed).await;
        };
        let (second, ()) = tokio::join!(stage.acquire(&order, Access::Shared, "b"), leave);
        assert_eq!(folder.live_waiting(), []);
        second.unwrap().release(Outcome::Passed).await;
        owner.end();
        stage.assert_all_gone().await;
    });
}
