//! Something dies while a cluster is made.

use nix::sys::signal::Signal::{SIGINT, SIGKILL};

use crate::case::{play, send};

/// The keeper dies: those who wait start another, which makes the cluster anew.
#[test]
fn the_keeper() {
    play(async |project, case| {
        let run = case.nextest(project, "test(plain_one) + test(plain_two)");
        case.creation().await;
        for keeper in case.keepers() {
            send(keeper, SIGKILL);
        }
        run.pass(case).await;
        assert_eq!(case.auditor.containers_seen(), 2, "it was made twice");
    });
}

/// Nobody waits any more, so the creation is broken off.
#[test]
fn nextest() {
    play(async |project, case| {
        for signal in [SIGKILL, SIGINT] {
            let run = case.nextest(project, "test(plain_one)");
            case.creation().await;
            send(run.pid(), signal);
            run.end(case).await;
            case.until("the end of the creation", async |case| (case.containers().await == 0).then_some(())).await;
        }
    });
}

/// Nobody is left who could clean up; so the next run does.
#[test]
fn everything_at_once() {
    play(async |project, case| {
        let run = case.nextest(project, "test(plain_one) + test(plain_two)");
        case.creation().await;
        case.kill_everything(run, &[]).await;
        case.nextest(project, "test(plain_three)").pass(case).await;
    });
}
