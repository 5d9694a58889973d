//! Clusters that are for the next run, with a living keeper, when somebody wants all of what is spare to go.

use std::{cell::RefCell, time::Duration};

use kind_core::access::Access;

use super::stage::{Owner, Stage, play};
use crate::{
    Outcome,
    keeper::{Extent, SweepOutcome, Swept},
};

/// Removes what is spare and returns what was told.
async fn sweep(stage: &Stage, extent: Extent) -> Vec<SweepOutcome> {
    let told = RefCell::new(Vec::new());
    stage.sweep_with(extent, Duration::ZERO, &|swept: Swept| told.borrow_mut().push(swept.outcome)).await;
    told.into_inner()
}

#[test]
fn a_living_keeper_removes_its_unused_cluster_when_it_is_asked_to() {
    play(async {
        let stage = Stage::new();
        let order = stage.order(None);
        stage.acquire(&order, Access::Shared, "a").await.unwrap().release(Outcome::Passed).await;
        let told = sweep(&stage, Extent::Ownerless).await;
        assert_eq!(told, [SweepOutcome::Stays("it is for the next run; its keeper lives".to_owned())]);
        let why = "it is for the next run";
        assert_eq!(sweep(&stage, Extent::Spare).await, [SweepOutcome::Goes(why), SweepOutcome::Gone(why)]);
        stage.assert_all_gone().await;
    });
}

#[test]
fn a_dead_keepers_unused_cluster_is_removed_in_its_place() {
    play(async {
        let stage = Stage::new();
        let order = stage.order(None);
        stage.acquire(&order, Access::Shared, "a").await.unwrap().release(Outcome::Passed).await;
        stage.keepers.kill().await;
        let told = sweep(&stage, Extent::Ownerless).await;
        assert!(matches!(&told[..], [SweepOutcome::Stays(why)] if why.contains("for 1799 s")), "{told:?}");
        let why = "it is for the next run";
        assert_eq!(sweep(&stage, Extent::Spare).await, [SweepOutcome::Goes(why), SweepOutcome::Gone(why)]);
        stage.assert_all_gone().await;
    });
}

#[test]
fn what_a_test_holds_stays_and_what_a_run_owns_as_well() {
    play(async {
        let stage = Stage::new();
        let mut owner = Owner::new();
        let (reusable, of_run) = (stage.order(None), stage.order(Some(&owner)));
        let lease = stage.acquire(&reusable, Access::Read, "a").await.unwrap();
        stage.acquire(&of_run, Access::Shared, "b").await.unwrap().release(Outcome::Passed).await;
        let mut told = sweep(&stage, Extent::Spare).await;
        told.sort_by_key(|outcome| format!("{outcome:?}"));
        let stays = ["its keeper lives", "test `a` uses it"].map(|why| SweepOutcome::Stays(why.to_owned()));
        assert_eq!(told, stays);
        stage.machine.enter(&lease.record().name).leave();
        lease.release(Outcome::Passed).await;
        sweep(&stage, Extent::Spare).await;
        owner.end();
        stage.assert_all_gone().await;
    });
}

/// Between the question and the keeper's look a test comes: it has the cluster.
#[test]
fn a_test_that_comes_meanwhile_keeps_it() {
    play(async {
        let stage = Stage::new();
        let order = stage.order(None);
        stage.acquire(&order, Access::Shared, "a").await.unwrap().release(Outcome::Passed).await;
        stage.folder(&order).users().unwrap().disuse().unwrap();
        // Nothing else ran since, so the keeper has not looked.
        let lease = stage.acquire(&order, Access::Shared, "b").await.unwrap();
        assert_eq!(stage.machine.creations(), 1);
        stage.machine.enter(&lease.record().name).leave();
        lease.release(Outcome::Passed).await;
        let told = sweep(&stage, Extent::Ownerless).await;
        assert!(matches!(&told[..], [SweepOutcome::Stays(_)]), "{told:?}");
        sweep(&stage, Extent::Spare).await;
        stage.assert_all_gone().await;
    });
}
