//! A keeper that dies between any two steps of its life, in every situation: the next test gets a cluster all the same,
//! and in the end nothing is left.

use std::time::Duration;

use kind_core::access::Access;

use super::stage::{Owner, Stage, play};
use crate::{LeaseError, Outcome, state::Found};

/// More steps than any life has up to where the keeper waits for its end.
const STEPS: usize = 12;

/// What a keeper that dies is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Situation {
    /// It makes the first cluster.
    First,
    /// Its bring-up fails.
    Failing,
    /// It takes over a cluster whose keeper died.
    TakingOver,
    /// It finds a broken cluster without a keeper.
    Broken,
    /// It pauses the cluster that it made, because nobody comes.
    Pausing,
    /// Its run is over, so it removes the cluster as well.
    Ending,
}

fn dies_after(situation: Situation, steps: usize) {
    play(async {
        let stage = Stage::new();
        let (mut owner, mut former) = (Owner::new(), Owner::new());
        let mut order = stage.order(Some(&owner));
        let folder = stage.folder(&order);
        folder.create().unwrap();
        match situation {
            Situation::First => {}
            Situation::Pausing => order.pause = Some(Duration::ZERO),
            Situation::Failing => stage.machine.fail(1),
            Situation::TakingOver | Situation::Broken => {
                let lease = stage.acquire(&order, Access::Shared, "first").await.unwrap();
                stage.keepers.kill().await;
                if situation == Situation::Broken {
                    stage.machine.damage(&order.key.cluster(), "broken");
                }
                lease.release(Outcome::Passed).await;
            }
            Situation::Ending => {
                // The very same cluster, for a run that is over before it is ready.
                former.end();
                order.owner = Some(former.process());
            }
        }
        folder.write_order(&order).unwrap();
        let live = stage.keepers.live(&folder, steps);
        // A keeper whose run goes on never ends by itself: it dies where it waits.
        let died = tokio::time::timeout(Duration::from_millis(150), live).await;
        if situation == Situation::Ending && died == Ok(true) {
            assert!(!folder.exists(), "its life was over");
        }
        order.owner = Some(owner.process());
        let lease = match stage.acquire(&order, Access::Shared, "next").await {
            Ok(lease) => lease,
            // The failure that the dead keeper was to have is the next one's.
            Err(LeaseError::Creation { .. }) if situation == Situation::Failing => {
                stage.acquire(&order, Access::Shared, "next").await.unwrap()
            }
            Err(error) => panic!("{situation:?}, {steps} steps: {error}"),
        };
        let using = stage.machine.enter(&lease.record().name);
        stage.machine.assert_no_breach();
        using.leave();
        lease.release(Outcome::Passed).await;
        owner.end();
        stage.assert_all_gone().await;
    });
}

#[test]
fn in_its_first_bring_up() {
    (0..STEPS).for_each(|steps| dies_after(Situation::First, steps));
}

#[test]
fn in_a_bring_up_that_fails() {
    (0..STEPS).for_each(|steps| dies_after(Situation::Failing, steps));
}

#[test]
fn while_it_pauses_the_cluster() {
    (0..STEPS).for_each(|steps| dies_after(Situation::Pausing, steps));
}

#[test]
fn while_it_takes_over() {
    (0..STEPS).for_each(|steps| dies_after(Situation::TakingOver, steps));
}

#[test]
fn while_it_replaces_a_broken_cluster() {
    (0..STEPS).for_each(|steps| dies_after(Situation::Broken, steps));
}

#[test]
fn while_it_removes_the_cluster() {
    (0..STEPS).for_each(|steps| dies_after(Situation::Ending, steps));
}

/// What a dead keeper left and nobody of its run comes back for is swept by the keeper of another run.
#[test]
fn and_nobody_comes_back() {
    for steps in 0..STEPS {
        play(async {
            let stage = Stage::new();
            let mut owner = Owner::new();
            let order = stage.order(Some(&owner));
            let folder = stage.folder(&order);
            folder.create().unwrap();
            folder.write_order(&order).unwrap();
            let live = stage.keepers.live(&folder, steps);
            let _ = tokio::time::timeout(Duration::from_millis(150), live).await;
            stage.sweep().await;
            assert!(folder.exists(), "{steps} steps: its run goes on");
            owner.end();
            stage.sweep().await;
            stage.assert_all_gone().await;
        });
    }
}

#[test]
fn two_keepers_of_one_folder_are_one() {
    play(async {
        let stage = Stage::new();
        let owner = Owner::new();
        let order = stage.order(Some(&owner));
        let lease = stage.acquire(&order, Access::Shared, "a").await.unwrap();
        assert!(stage.keepers.live(&stage.folder(&order), 1).await, "there is one already");
        assert_eq!(stage.machine.creations(), 1);
        assert!(matches!(stage.folder(&order).report().unwrap(), Found::This(_)));
        lease.release(Outcome::Passed).await;
    });
}
