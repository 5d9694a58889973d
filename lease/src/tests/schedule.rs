//! Tests that come, use a cluster, leave, give up and die at random, while keepers are killed and the engine refuses
//! at random: nobody gets a
//! cluster that is not there, nobody is beside an exclusive test, and in the end nothing is left.

use std::{cell::Cell, rc::Rc, time::Duration};

use kind_core::{
    access::Access,
    wait::{self, Check},
};

use super::{
    random::Random,
    stage::{Owner, Stage, play},
};
use crate::{LeaseError, Outcome};

/// What the engine refuses now and then.
const FALLIBLE: [&str; 6] = ["first step", "third step", "destroy", "mend", "runs", "made_here"];

async fn pass(milliseconds: u64) {
    let time = Duration::from_millis(milliseconds);
    let start = std::time::Instant::now();
    let passed = wait::until_every(Duration::from_millis(1), "time", Duration::from_secs(60), async || {
        if start.elapsed() >= time { Check::Done(()) } else { Check::not_yet("it passes") }
    });
    passed.await.unwrap();
}

#[derive(Default)]
struct Inside {
    sharing: Cell<u32>,
    alone: Cell<u32>,
}

impl Inside {
    fn counter(&self, access: Access) -> &Cell<u32> {
        if access == Access::Exclusive { &self.alone } else { &self.sharing }
    }

    fn enter(&self, access: Access) {
        self.counter(access).update(|count| count + 1);
        let (sharing, alone) = (self.sharing.get(), self.alone.get());
        assert!(alone == 0 || (alone == 1 && sharing == 0), "{alone} exclusive tests beside {sharing} others");
    }

    fn leave(&self, access: Access) {
        self.counter(access).update(|count| count - 1);
    }
}

/// One test: what it does is drawn beforehand, so that the seed says it all.
async fn test(stage: Rc<Stage>, order: Rc<crate::order::Order>, inside: Rc<Inside>, mut random: Random) {
    pass(random.below(700)).await;
    let access = [Access::Shared, Access::Shared, Access::Shared, Access::Read, Access::Exclusive]
        [usize::try_from(random.below(5)).unwrap()];
    let patience =
        if random.below(5) == 0 { Duration::from_millis(random.below(100)) } else { Duration::from_secs(60) };
    let Ok(acquired) = tokio::time::timeout(patience, stage.acquire(&order, access, "a")).await else { return };
    let lease = match acquired {
        Ok(lease) => lease,
        // Its keepers were killed too often, or the engine refused too often.
        Err(LeaseError::Keeper { .. } | LeaseError::Creation { .. }) => return,
        Err(error) => panic!("{error}"),
    };
    inside.enter(access);
    let using = stage.machine.enter(&lease.record().name);
    pass(random.below(60)).await;
    inside.leave(access);
    using.leave();
    match random.below(4) {
        // It is killed: nothing but its locks ends.
        0 => drop(lease),
        _ => lease.release(Outcome::Passed).await,
    }
}

fn schedule(seed: u64) {
    println!("seed {seed}");
    play(async {
        let stage = Rc::new(Stage::new());
        let mut random = Random::new(seed);
        stage.machine.slow_down(Duration::from_millis(random.below(8)));
        let (mut owner, inside) = (Owner::new(), Rc::new(Inside::default()));
        let order = Rc::new(stage.order(Some(&owner)));
        let tests: Vec<_> = (0..40)
            .map(|_| {
                let random = Random::new(random.below(u64::MAX));
                tokio::task::spawn_local(test(Rc::clone(&stage), Rc::clone(&order), Rc::clone(&inside), random))
            })
            .collect();
        for _ in 0..8 {
            pass(random.below(150)).await;
            stage.keepers.kill().await;
            let operation = FALLIBLE[usize::try_from(random.below(6)).unwrap()];
            stage.machine.refuse(operation, u32::try_from(random.below(3)).unwrap());
        }
        for test in tests {
            test.await.unwrap();
        }
        stage.machine.recover();
        // The last keeper may have been killed; then the next run sweeps.
        owner.end();
        stage.keepers.end().await;
        stage.sweep_spare().await;
        stage.assert_all_gone().await;
    });
}

#[test]
fn known_schedules() {
    [1, 2, 3].into_iter().for_each(schedule);
}

#[test]
fn a_new_schedule() {
    schedule(Random::fresh_seed());
}
