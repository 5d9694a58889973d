//! Everything that an engine can do to a keeper: each step fails, the engine goes half-way, or it hangs. Tests get an
//! error that says so or their cluster, and in the end nothing is left.

use std::time::Duration;

use kind_core::{
    access::Access,
    process::ProcessId,
    wait::{self, Check},
};

use super::stage::{Owner, Stage, play};
use crate::{LeaseError, Outcome, state::Found};

const STEPS: [&str; 3] = ["first step", "second step", "third step"];

#[test]
fn each_step_of_a_creation_that_fails_is_named_and_tried_again() {
    for step in STEPS {
        play(async {
            let stage = Stage::new();
            let mut owner = Owner::new();
            let order = stage.order(Some(&owner));
            stage.machine.refuse(step, 1);
            let error = stage.acquire(&order, Access::Shared, "a").await.unwrap_err().to_string();
            assert!(error.contains(&format!("{step}: the machine was told to fail")), "{error}");
            let lease = stage.acquire(&order, Access::Shared, "b").await.unwrap();
            lease.release(Outcome::Passed).await;
            owner.end();
            stage.assert_all_gone().await;
        });
    }
}

/// Without an engine there is no cluster and nobody who could remove its parts; when it is back, both come right.
#[test]
fn an_engine_that_goes_half_way_through_a_creation() {
    for step in STEPS {
        play(async {
            let stage = Stage::new();
            let mut owner = Owner::new();
            let order = stage.order(Some(&owner));
            stage.machine.lose_engine_at(step);
            let all = futures::future::join_all((0..3).map(|_| stage.acquire(&order, Access::Shared, "a"))).await;
            for error in all.into_iter().map(Result::unwrap_err) {
                assert!(error.to_string().ends_with("the engine went away: the engine is gone"), "{error}");
                assert_eq!(error.is_no_engine(), None, "one that went away is no reason to skip");
            }
            assert_eq!(stage.machine.clusters().len(), 1, "its parts are there");
            stage.machine.recover();
            let lease = stage.acquire(&order, Access::Shared, "b").await.unwrap();
            stage.machine.enter(&lease.record().name).leave();
            lease.release(Outcome::Passed).await;
            owner.end();
            stage.assert_all_gone().await;
        });
    }
}

/// Nobody comes back: the parts go with the next run's sweep, not before the engine is there.
#[test]
fn an_engine_that_goes_and_a_run_that_ends_meanwhile() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        stage.machine.lose_engine_at("second step");
        stage.acquire(&order, Access::Shared, "a").await.unwrap_err();
        owner.end();
        stage.keepers.end().await;
        stage.sweep().await;
        assert_eq!(stage.machine.clusters().len(), 1);
        stage.machine.recover();
        // The folder would stay for a while, to tell why.
        stage.sweep_spare().await;
        stage.assert_all_gone().await;
    });
}

/// An engine that does not answer for a while is no reason to throw a cluster away, or to forget it.
#[test]
fn an_engine_that_is_away_while_the_run_ends() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        stage.machine.refuse("runs", 3);
        stage.machine.refuse("destroy", 5);
        lease.release(Outcome::Passed).await;
        owner.end();
        stage.assert_all_gone().await;
        assert_eq!(stage.machine.creations(), 1);
    });
}

#[test]
fn a_removal_of_remains_that_fails_is_a_failed_creation() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        stage.machine.refuse("destroy", 1);
        let error = stage.acquire(&order, Access::Shared, "a").await.unwrap_err();
        assert!(matches!(&error, LeaseError::Creation { error, .. } if error.contains("destroy")), "{error}");
        stage.acquire(&order, Access::Shared, "b").await.unwrap().release(Outcome::Passed).await;
        owner.end();
        stage.assert_all_gone().await;
    });
}

#[test]
fn a_cluster_that_cannot_be_looked_at_after_an_exclusive_test_is_made_anew() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        stage.acquire(&order, Access::Exclusive, "a").await.unwrap().release(Outcome::Passed).await;
        stage.machine.refuse("mend", 1);
        let lease = stage.acquire(&order, Access::Shared, "b").await.unwrap();
        // The check may have passed before it was told to fail.
        assert!(stage.machine.creations() <= 2);
        stage.machine.enter(&lease.record().name).leave();
        lease.release(Outcome::Passed).await;
        owner.end();
        stage.assert_all_gone().await;
    });
}

#[test]
fn a_sweep_that_fails_leaves_it_to_the_next() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        drop(stage.acquire(&order, Access::Shared, "a").await.unwrap());
        stage.keepers.kill().await;
        owner.end();
        for operation in ["made_here", "destroy"] {
            stage.machine.refuse(operation, 1);
            stage.sweep().await;
            assert_eq!(stage.machine.clusters().len(), 1, "{operation}");
            assert!(stage.folder(&order).exists(), "{operation}: what is not removed is not forgotten");
        }
        stage.sweep().await;
        stage.assert_all_gone().await;
    });
}

/// A creation that hangs keeps nobody who has given up: when its run is over it is broken off and removed.
#[test]
fn a_creation_that_hangs_ends_with_the_run() {
    for step in STEPS {
        play(async {
            let stage = Stage::new();
            let mut owner = Owner::new();
            let order = stage.order(Some(&owner));
            stage.machine.hang(step);
            let waiting = stage.acquire(&order, Access::Shared, "a");
            tokio::time::timeout(Duration::from_millis(100), waiting).await.unwrap_err();
            assert_eq!(stage.machine.creations(), 1);
            owner.end();
            stage.assert_all_gone().await;
        });
    }
}

/// An engine that hangs when it is asked whether nodes run does not keep the keeper from seeing the run's end.
#[test]
fn a_question_that_hangs_does_not_stop_the_watch() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        stage.machine.hang("runs");
        let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        lease.release(Outcome::Passed).await;
        owner.end();
        stage.assert_all_gone().await;
    });
}

/// After an engine's restart nodes are back at once, their API is not: whoever has the cluster keeps it, and nobody new
/// comes in before the keeper found it well.
#[test]
fn an_engine_that_is_restarted_under_a_test() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let first = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        let used = stage.machine.enter(&first.record().name);
        stage.machine.hang("mend");
        let folder = stage.folder(&order);
        let doubted = wait::until("a doubt", Duration::from_secs(60), async || {
            // Again and again: the keeper must have seen it run before.
            stage.machine.restart();
            if folder.needs_check() { Check::Done(()) } else { Check::not_yet("none") }
        });
        doubted.await.unwrap();
        let late = stage.acquire(&order, Access::Shared, "b");
        tokio::pin!(late);
        let early = tokio::time::timeout(Duration::from_millis(100), late.as_mut()).await;
        assert!(early.is_err(), "it was let in before the look");
        stage.machine.recover();
        late.await.unwrap().release(Outcome::Passed).await;
        used.leave();
        first.release(Outcome::Passed).await;
        owner.end();
        stage.assert_all_gone().await;
        assert_eq!(stage.machine.creations(), 1);
    });
}

/// After a reboot every number of a process may be somebody else's. What an earlier boot left has no owner any more.
#[test]
fn what_an_earlier_boot_left_is_swept() {
    play(async {
        let stage = Stage::new();
        let owner = Owner::new();
        let mut order = stage.order(Some(&owner));
        let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        drop(lease);
        stage.keepers.kill().await;
        let folder = stage.folder(&order);
        assert_eq!(folder.live_holders().len(), 1, "it died without a word, and this process lives");
        stage.sweep().await;
        assert!(folder.exists(), "its owner lives");
        // The very same processes, before the machine was started again.
        order.owner = order.owner.map(ProcessId::of_another_boot);
        folder.write_order(&order).unwrap();
        for entry in std::fs::read_dir(folder.holders()).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let mut mark: serde_json::Value = serde_json::from_str(&text).unwrap();
            mark["process"]["boot"] = "another".into();
            std::fs::write(&path, mark.to_string()).unwrap();
        }
        assert_eq!(folder.live_holders(), []);
        stage.sweep().await;
        stage.assert_all_gone().await;
    });
}

/// A reusable cluster outlives a reboot, and its nodes are started again for the first who comes.
#[test]
fn a_reusable_cluster_of_an_earlier_boot_is_taken_over() {
    play(async {
        let mut stage = Stage::new();
        stage.idle = Duration::from_secs(2);
        let order = stage.order(None);
        drop(stage.acquire(&order, Access::Shared, "a").await.unwrap());
        stage.keepers.kill().await;
        let lease = stage.acquire(&order, Access::Shared, "b").await.unwrap();
        assert_eq!(stage.machine.creations(), 1);
        lease.release(Outcome::Passed).await;
        stage.assert_all_gone().await;
    });
}

/// A new keeper that cannot see that the cluster is well does not take it from the test that uses it, and lets nobody
/// else in until it can.
#[test]
fn a_cluster_in_use_that_does_not_look_well_stays_until_it_does() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        let using = stage.machine.enter(&lease.record().name);
        stage.keepers.kill().await;
        stage.machine.refuse("mend", 2);
        let second = stage.acquire(&order, Access::Shared, "b").await.unwrap();
        assert_eq!(stage.machine.creations(), 1);
        using.leave();
        lease.release(Outcome::Passed).await;
        second.release(Outcome::Passed).await;
        owner.end();
        stage.assert_all_gone().await;
    });
}

/// It is made anew when the last test that uses it is gone; the same where its state cannot be read.
#[test]
fn a_cluster_in_use_that_is_not_well_is_made_anew_under_nobody() {
    for damaged_state in [false, true] {
        play(async {
            let stage = Stage::new();
            let mut owner = Owner::new();
            let order = stage.order(Some(&owner));
            let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
            let using = stage.machine.enter(&lease.record().name);
            stage.keepers.kill().await;
            if damaged_state {
                std::fs::write(stage.folder(&order).path().join("state.json"), "{").unwrap();
            } else {
                stage.machine.refuse("mend", u32::MAX);
            }
            let waiting = stage.acquire(&order, Access::Shared, "b");
            let leaving = async {
                let keeper = wait::until("the second keeper at work", Duration::from_secs(10), async || {
                    let log = std::fs::read_to_string(stage.folder(&order).log()).unwrap_or_default();
                    let at_work = log.contains("not well") || log.contains("is replaced");
                    if at_work { Check::Done(()) } else { Check::NotYet(log) }
                });
                keeper.await.unwrap();
                tokio::task::yield_now().await;
                assert_eq!(stage.machine.creations(), 1);
                using.leave();
                lease.release(Outcome::Passed).await;
            };
            let (second, ()) = tokio::join!(waiting, leaving);
            assert_eq!(stage.machine.creations(), 2);
            second.unwrap().release(Outcome::Passed).await;
            owner.end();
            stage.assert_all_gone().await;
        });
    }
}

/// An unusable state is replaced, and the keeper's log says what was wrong with it.
#[test]
fn a_corrupt_older_or_newer_state_is_reported_and_replaced() {
    let states = [
        ("{", "it is corrupt"),
        ("", "it is corrupt"),
        (r#"{"format":0,"state":"ready"}"#, "it is of format 0"),
        (r#"{"format":99,"state":{"x":1}}"#, "it is of format 99"),
        (r#"{"format":1,"attempt":7}"#, "it is corrupt"),
    ];
    for (state, reason) in states {
        play(async {
            let stage = Stage::new();
            let mut owner = Owner::new();
            let order = stage.order(Some(&owner));
            let folder = stage.folder(&order);
            folder.create().unwrap();
            std::fs::write(folder.path().join("state.json"), state).unwrap();
            std::fs::write(folder.path().join("order.json"), state).unwrap();
            let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
            let log = std::fs::read_to_string(folder.log()).unwrap();
            assert!(log.contains(&format!("the state file is replaced: {reason}")), "{log}");
            assert!(matches!(folder.report().unwrap(), Found::This(_)));
            // Under a running cluster as well: it has a keeper, which removes it in the end.
            std::fs::write(folder.path().join("state.json"), state).unwrap();
            lease.release(Outcome::Passed).await;
            owner.end();
            stage.assert_all_gone().await;
        });
    }
}
