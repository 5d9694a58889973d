//! Something dies while tests use a cluster.

use nix::sys::signal::Signal::{SIGINT, SIGKILL, SIGTERM};

use crate::case::{Case, Run, play, send};
use crate::project::Project;

/// A run with two tests that are in their bodies and stay there.
async fn two_bodies(project: &Project, case: &mut Case) -> (Run, [nix::unistd::Pid; 2]) {
    case.hold();
    let run = case.nextest(project, "test(plain_one) + test(plain_two)");
    let tests = [case.body("plain_one").await.0, case.body("plain_two").await.0];
    (run, tests)
}

/// Tests die in three ways, and the keeper: whoever is left goes on, and nothing stays.
#[test]
fn tests_and_the_keeper() {
    play(async |project, case| {
        case.hold();
        let all = "test(plain_one) + test(plain_two) + test(plain_three) + test(plain_aborts)";
        let run = case.nextest(project, all);
        let mut tests = Vec::new();
        for test in ["plain_one", "plain_two", "plain_three", "plain_aborts"] {
            tests.push(case.body(test).await.0);
        }
        send(tests[0], SIGTERM);
        send(tests[1], SIGKILL);
        for keeper in case.keepers() {
            send(keeper, SIGKILL);
        }
        // A test that is asked to end tells what it was doing first; its body must not end before.
        let asked = std::path::PathBuf::from(format!("/proc/{}", tests[0]));
        case.until("the end of the test that was asked to", async |_| (!asked.exists()).then_some(())).await;
        assert_eq!(case.containers().await, 1, "one test still uses the cluster");
        case.let_go();
        let (status, printed) = run.end(case).await;
        assert_eq!(status.code(), Some(100), "{printed}");
        for expected in ["SIGTERM", "SIGKILL", "SIGABRT", "1 passed", "3 failed"] {
            assert!(printed.contains(expected), "{expected} in {printed}");
        }
        assert!(!printed.contains("LEAK"), "{printed}");
        assert_eq!(case.auditor.containers_seen(), 1, "it was made once");
    });
}

#[test]
fn nextest_by_sigterm() {
    play(async |project, case| {
        let (run, _) = two_bodies(project, case).await;
        send(run.pid(), SIGTERM);
        let (status, printed) = run.end(case).await;
        assert!(!status.success(), "{printed}");
    });
}

/// Once asks, twice insists.
#[test]
fn nextest_by_sigint_twice() {
    play(async |project, case| {
        let (run, _) = two_bodies(project, case).await;
        send(run.pid(), SIGINT);
        send(run.pid(), SIGINT);
        let (status, printed) = run.end(case).await;
        assert!(!status.success(), "{printed}");
    });
}

/// The tests outlive their runner and keep the cluster until they are done.
#[test]
fn nextest_by_sigkill() {
    play(async |project, case| {
        let (run, tests) = two_bodies(project, case).await;
        send(run.pid(), SIGKILL);
        run.end(case).await;
        // Longer than the keeper takes to see that the run is over.
        let mut looks = 0;
        case.until("some looks of the keeper's", async |case| {
            looks += 1;
            assert_eq!(case.containers().await, 1, "two tests still use the cluster");
            (looks > 20).then_some(())
        })
        .await;
        send(tests[0], SIGKILL);
        case.let_go();
    });
}

/// Nobody is left who could clean up; so the next run does.
#[test]
fn everything_at_once() {
    play(async |project, case| {
        let (run, tests) = two_bodies(project, case).await;
        case.kill_everything(run, &tests).await;
        assert_eq!(case.containers().await, 1, "nobody could remove it");
        case.let_go();
        case.nextest(project, "test(plain_three)").pass(case).await;
    });
}
