//! What tests that wait for a cluster get: the cluster, the failure that they waited for, or their turn.

use std::{cell::RefCell, time::Duration};

use kind_core::{
    access::Access,
    settings::Keep,
    wait::{self, Check},
};

use super::stage::{Owner, Stage, play};
use crate::{
    LeaseError, Outcome,
    order::Order,
    state::{Found, State},
};

#[test]
fn a_crowd_gets_one_cluster() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let all = futures::future::join_all((0..20).map(|_| stage.acquire(&order, Access::Shared, "a"))).await;
        let leases: Vec<_> = all.into_iter().map(Result::unwrap).collect();
        assert_eq!(stage.machine.creations(), 1);
        assert_eq!(stage.folder(&order).live_holders().len(), 20);
        owner.end();
        for lease in leases {
            let using = stage.machine.enter(&lease.record().name);
            tokio::task::yield_now().await;
            using.leave();
            lease.release(Outcome::Passed).await;
        }
        stage.assert_all_gone().await;
    });
}

#[test]
fn who_waits_too_long_fails_and_says_for_whom() {
    play(async {
        let mut stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let alone = stage.acquire(&order, Access::Exclusive, "a").await.unwrap();
        stage.wait = Duration::from_millis(200);
        let error = stage.acquire(&order, Access::Shared, "b").await.unwrap_err();
        assert!(matches!(error, LeaseError::Busy { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("KIND_TEST_WAIT") && text.ends_with("last seen: `a` uses it"), "{text}");
        alone.release(Outcome::Passed).await;
        owner.end();
        stage.assert_all_gone().await;
    });
}

#[test]
fn who_has_the_cluster_alone_notes_no_images_and_ends_the_notes_of_others() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        let notes = lease.image_notes().unwrap();
        assert_eq!(notes.parent(), Some(lease.state_dir()));
        std::fs::create_dir(&notes).unwrap();
        std::fs::write(notes.join("one"), "app:1").unwrap();
        lease.release(Outcome::Passed).await;
        assert!(notes.exists());
        let alone = stage.acquire(&order, Access::Exclusive, "b").await.unwrap();
        assert_eq!(alone.image_notes(), None);
        assert!(!notes.exists());
        alone.release(Outcome::Passed).await;
        owner.end();
        stage.assert_all_gone().await;
    });
}

#[test]
fn two_scopes_do_not_meet() {
    play(async {
        let stage = Stage::new();
        let (mut one, mut two) = (Owner::new(), Owner::new());
        let orders = [stage.order(Some(&one)), stage.order(Some(&two))];
        let first = stage.acquire(&orders[0], Access::Exclusive, "a").await.unwrap();
        let second = stage.acquire(&orders[1], Access::Exclusive, "a").await.unwrap();
        assert_ne!(first.record().name, second.record().name);
        first.release(Outcome::Passed).await;
        one.end();
        wait_for_clusters(&stage, 1).await;
        second.release(Outcome::Passed).await;
        two.end();
        stage.assert_all_gone().await;
    });
}

async fn wait_for_clusters(stage: &Stage, count: usize) {
    let gone = wait::until("the first run's cluster gone", Duration::from_secs(10), async || {
        if stage.machine.clusters().len() == count { Check::Done(()) } else { Check::not_yet("it is there") }
    });
    gone.await.unwrap();
}

/// A failure is everybody's who waited for it, a later test tries once more, and then it is enough for this run.
#[test]
fn a_failure_is_told_to_all_who_waited_and_tried_again_once() {
    play(async {
        let stage = Stage::new();
        let owner = Owner::new();
        let order = stage.order(Some(&owner));
        stage.machine.fail(3);
        stage.machine.slow_down(Duration::from_millis(30));
        let all = futures::future::join_all((0..5).map(|_| stage.acquire(&order, Access::Shared, "a"))).await;
        for failed in all {
            let text = failed.unwrap_err().to_string();
            assert!(text.contains("second step: the machine was told to fail"), "{text}");
        }
        assert_eq!(stage.machine.creations(), 1);
        stage.acquire(&order, Access::Shared, "b").await.unwrap_err();
        assert_eq!(stage.machine.creations(), 2);
        let text = stage.acquire(&order, Access::Shared, "c").await.unwrap_err().to_string();
        assert!(text.contains("tried 2 times"), "{text}");
        assert_eq!(stage.machine.creations(), 2);
        // The runner tries the test once more; that may try the cluster once more.
        stage.acquire_again(&order, Access::Shared, "c", 3).await.unwrap_err();
        assert_eq!(stage.machine.creations(), 3);
        let lease = stage.acquire_again(&order, Access::Shared, "c", 4).await.unwrap();
        lease.release(Outcome::Passed).await;
        stage.machine.assert_no_breach();
        assert_eq!(stage.machine.clusters().len(), 1);
    });
}

#[test]
fn exclusive_waits_for_shared_and_shared_for_exclusive() {
    play(async {
        let stage = Stage::new();
        let owner = Owner::new();
        let order = stage.order(Some(&owner));
        let events = RefCell::new(Vec::new());
        let shared = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        let exclusive = async {
            let lease = stage.acquire(&order, Access::Exclusive, "b").await.unwrap();
            events.borrow_mut().push("exclusive");
            tokio::task::yield_now().await;
            events.borrow_mut().push("exclusive over");
            lease.release(Outcome::Passed).await;
        };
        let rest = async {
            // Time for the exclusive one to queue up.
            let queued = wait::until("the turnstile taken", Duration::from_secs(5), async || {
                let mut door = stage.folder(&order).door(Access::Shared).unwrap();
                if door.try_enter().unwrap() { Check::not_yet("free") } else { Check::Done(()) }
            });
            queued.await.unwrap();
            let late = async {
                let lease = stage.acquire(&order, Access::Read, "c").await.unwrap();
                events.borrow_mut().push("late");
                lease.release(Outcome::Passed).await;
            };
            let leave = async {
                events.borrow_mut().push("shared over");
                shared.release(Outcome::Passed).await;
            };
            tokio::join!(late, leave);
        };
        tokio::join!(exclusive, rest);
        assert_eq!(*events.borrow(), ["shared over", "exclusive", "exclusive over", "late"]);
        stage.machine.assert_no_breach();
    });
}

/// Who had the cluster for itself may have broken it; the next test gets one that is whole.
#[test]
fn what_an_exclusive_test_broke_is_made_anew() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        for (fault, killed) in [("broken", false), ("stopped", true)] {
            let lease = stage.acquire(&order, Access::Exclusive, "a").await.unwrap();
            stage.machine.damage(&lease.record().name, fault);
            if killed {
                drop(lease);
            } else {
                lease.release(Outcome::Passed).await;
            }
            let before = stage.machine.creations();
            let lease = stage.acquire(&order, Access::Shared, "b").await.unwrap();
            assert_eq!(stage.machine.creations(), before + 1);
            stage.machine.enter(&lease.record().name).leave();
            lease.release(Outcome::Passed).await;
        }
        owner.end();
        stage.assert_all_gone().await;
    });
}

#[test]
fn a_corrupt_or_old_state_is_replaced() {
    for state in ["{", r#"{"format":0,"state":"ready"}"#, r#"{"format":1,"attempt":7}"#] {
        play(async {
            let stage = Stage::new();
            let mut owner = Owner::new();
            let order = stage.order(Some(&owner));
            let folder = stage.folder(&order);
            folder.create().unwrap();
            std::fs::write(folder.path().join("state.json"), state).unwrap();
            std::fs::write(folder.path().join("order.json"), state).unwrap();
            let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
            lease.release(Outcome::Passed).await;
            owner.end();
            stage.assert_all_gone().await;
        });
    }
}

#[test]
fn a_keeper_that_never_gets_going_is_an_error() {
    play(async {
        let stage = Stage::new();
        let owner = Owner::new();
        stage.keepers.silence();
        let error = stage.acquire(&stage.order(Some(&owner)), Access::Shared, "a").await.unwrap_err();
        assert!(matches!(&error, LeaseError::Keeper { starts: 3, .. }), "{error}");
    });
}

#[test]
fn a_failed_tests_cluster_stays_and_goes_with_a_later_sweep() {
    play(async {
        for (keep, outcome, stays) in [
            (Keep::OnFailure, Outcome::Failed, true),
            (Keep::OnFailure, Outcome::Passed, false),
            (Keep::Never, Outcome::Failed, false),
            (Keep::Always, Outcome::Passed, true),
        ] {
            let mut stage = Stage::new();
            stage.keep = keep;
            let mut owner = Owner::new();
            let order = stage.order(Some(&owner));
            stage.acquire(&order, Access::Shared, "a").await.unwrap().release(outcome).await;
            owner.end();
            if stays {
                stage.keepers.end().await;
                let report = stage.folder(&order).report().unwrap();
                assert!(matches!(report, Found::This(report) if matches!(report.state, State::Kept { .. })));
                stage.sweep().await;
                assert_eq!(stage.machine.clusters().len(), 1, "it is not yet time");
                stage.folder(&order).write_order(&Order { idle: Duration::ZERO, ..order }).unwrap();
                stage.sweep().await;
            }
            stage.assert_all_gone().await;
        }
    });
}

#[test]
fn a_reusable_cluster_stays_until_nobody_used_it_for_the_limit() {
    play(async {
        let mut stage = Stage::new();
        stage.idle = Duration::from_millis(400);
        let order = stage.order(None);
        let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        wait::until("the limit passed", Duration::from_millis(600), async || Check::<()>::not_yet("no"))
            .await
            .unwrap_err();
        lease.release(Outcome::Passed).await;
        let lease = stage.acquire(&order, Access::Shared, "b").await.unwrap();
        assert_eq!(stage.machine.creations(), 1);
        lease.release(Outcome::Passed).await;
        stage.assert_all_gone().await;
    });
}

#[test]
fn a_cluster_without_a_folder_is_swept_and_somebody_elses_is_not() {
    play(async {
        let stage = Stage::new();
        stage.machine.plant("0123456789");
        let owner = Owner::new();
        let order = stage.order(Some(&owner));
        let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        // A folder that nobody knows stays for a minute, as a test may be about to use it.
        stage.sweep().await;
        assert_eq!(stage.machine.clusters().len(), 2);
        let users = stage.home.folders().unwrap().into_iter().find(|folder| folder.key().as_str() == "0123456789");
        let long_ago = std::time::SystemTime::now() - Duration::from_secs(120);
        let users = std::fs::File::open(users.unwrap().path().join("users.lock")).unwrap();
        users.set_modified(long_ago).unwrap();
        stage.sweep().await;
        assert_eq!(stage.machine.clusters(), [lease.record().name.as_str()]);
        lease.release(Outcome::Passed).await;
    });
}

/// Somebody empties the state folder by hand while tests run: they go on, and the cluster goes when they are done.
#[test]
fn a_folder_removed_by_hand_costs_only_that_cluster() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let order = stage.order(Some(&owner));
        let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        let using = stage.machine.enter(&lease.record().name);
        std::fs::remove_dir_all(stage.folder(&order).path()).unwrap();
        wait::until("some looks", Duration::from_millis(300), async || Check::<()>::not_yet("no")).await.unwrap_err();
        using.leave();
        lease.release(Outcome::Passed).await;
        wait_for_clusters(&stage, 0).await;
        let lease = stage.acquire(&order, Access::Shared, "b").await.unwrap();
        lease.release(Outcome::Passed).await;
        owner.end();
        stage.assert_all_gone().await;
    });
}
