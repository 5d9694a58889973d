//! Runs in which nothing goes wrong: many binaries and three shapes, with both runners, two at a time, and one after
//! another on the same cluster.

use std::{
    fs,
    time::{Instant, SystemTime},
};

use crate::case::play;

const ALL: [&str; 7] = ["plain_one", "plain_two", "plain_three", "plain_read", "east_one", "east_two", "west_one"];
/// Everything but the test that ends in the middle of a panic.
const BUT_DEATHS: &str = "not test(plain_aborts)";

#[test]
fn nextest_makes_each_shape_once() {
    play(async |project, case| {
        let run = case.nextest(project, BUT_DEATHS);
        let printed = run.pass(case).await;
        assert!(printed.contains("8 tests run: 8 passed"), "{printed}");
        for test in ALL.iter().chain(&["west_exclusive"]) {
            case.body(test).await;
        }
        assert_eq!(case.auditor.containers_seen(), 3, "one node for each of three shapes");
        println!("{printed}");
    });
}

/// Threads instead of processes, and one binary after the other: the shapes are those of the command.
#[test]
fn cargo_test_makes_each_shape_once() {
    play(async |project, case| {
        let run = case.start(project, &["test", "--offline", "--tests"], |_| {});
        let printed = run.pass(case).await;
        assert_eq!(printed.matches("test result: ok").count(), 3, "{printed}");
        for test in ALL {
            case.body(test).await;
        }
        assert_eq!(case.auditor.containers_seen(), 3, "one node for each of three shapes");
    });
}

/// Two runs of the same user: each has its own cluster, and the end of one is not the other's.
#[test]
fn two_runs_do_not_see_each_other() {
    play(async |project, case| {
        case.hold();
        let runs = ["plain_one", "plain_two"].map(|test| case.nextest(project, &format!("test({test})")));
        case.body("plain_one").await;
        case.body("plain_two").await;
        assert_eq!((case.containers().await, case.auditor.containers_seen()), (2, 2));
        case.let_go();
        for run in runs {
            run.pass(case).await;
        }
    });
}

/// Longer than a runner needs, on a busy machine too, from one run's last test to the next one's first.
const IDLE: &str = "40s";

/// The second run finds the first one's cluster, and it goes when nobody wants it for a while.
#[test]
fn a_second_run_reuses_the_cluster() {
    play(async |project, case| {
        let arguments = ["nextest", "run", "--offline", "-E", "test(plain_one)"];
        let mut took = Vec::new();
        for _ in 0..4 {
            case.forget_bodies();
            let (before, start) = (SystemTime::now(), Instant::now());
            let run = case.start(project, &arguments, |command| {
                command.env("KIND_TEST_REUSE", "1").env("KIND_TEST_IDLE", IDLE);
            });
            run.pass(case).await;
            let (_, began) = case.body("plain_one").await;
            took.push((began.duration_since(before).unwrap_or_default(), start.elapsed()));
        }
        assert_eq!(case.auditor.containers_seen(), 1);
        // Measured, not judged: `cargo xtask bench share` has the figures.
        let list: Vec<String> = took.iter().map(|(body, all)| format!("{body:.0?} of {all:.0?}")).collect();
        println!("from the start of nextest to the first body: {}", list.join(", "));
        assert!(fs::read_dir(case.state().join("clusters")).expect("the clusters").count() > 0, "it outlives its run");
        case.until("disuse", async |case| (case.containers().await == 0).then_some(())).await;
    });
}
