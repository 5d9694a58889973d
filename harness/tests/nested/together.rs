//! Runs in which nothing goes wrong: many binaries and three shapes, with both runners, two at a time, and one after
//! another on the same cluster.

use std::{
    fs,
    net::TcpStream,
    path::Path,
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

/// The second run finds the first one's cluster, which nobody used meanwhile and which was paused for it; somebody who is no
/// test wakes it, too; and it goes when nobody wants it for a while.
#[test]
fn a_second_run_reuses_the_cluster() {
    play(async |project, case| {
        let arguments = ["nextest", "run", "--offline", "-E", "test(plain_one)"];
        let mut took = Vec::new();
        for _ in 0..3 {
            case.forget_bodies();
            let (before, start) = (SystemTime::now(), Instant::now());
            let run = case.start(project, &arguments, |command| {
                command.env("KIND_TEST_REUSE", "1").env("KIND_TEST_IDLE", IDLE).env("KIND_TEST_PAUSE", "1s");
            });
            run.pass(case).await;
            let (_, began) = case.body("plain_one").await;
            took.push((began.duration_since(before).unwrap_or_default(), start.elapsed()));
            case.until("pause", async |case| case.is_paused().await.then_some(())).await;
        }
        assert_eq!(case.auditor.containers_seen(), 1);
        // Measured, not judged: `cargo xtask bench share` has the figures.
        let list: Vec<String> = took.iter().map(|(body, all)| format!("{body:.0?} of {all:.0?}")).collect();
        println!("from the start of nextest to the first body: {}", list.join(", "));
        let port = port_of_paused(&case.state());
        let connected = TcpStream::connect(("127.0.0.1", port)).expect("the kernel takes the connection");
        case.until("the cluster to go on", async |case| (!case.is_paused().await).then_some(())).await;
        drop(connected);
        case.until("disuse", async |case| (case.containers().await == 0).then_some(())).await;
    });
}

/// The port under which the API of the only cluster of a state folder is published, which outlived its run and is paused.
fn port_of_paused(state: &Path) -> u16 {
    let clusters = fs::read_dir(state.join("clusters")).expect("the clusters");
    let files = clusters.map(|folder| folder.expect("a cluster").path().join("state.json"));
    let texts: Vec<_> = files.map(|file| fs::read_to_string(file).expect("its state")).collect();
    let [text] = &texts[..] else { panic!("{texts:?}") };
    let report: serde_json::Value = serde_json::from_str(text).expect("a report");
    let server = report["state"]["paused"]["record"]["server"].as_str().expect("a paused cluster");
    server.rsplit_once(':').expect("a port").1.parse().expect("a number")
}
