//! Many short tests on one cluster, against the same bodies with a kubeconfig that is there already.

use std::{path::Path, time::Duration};

use super::{
    spawn::{self, Scene},
    table,
};

/// The tests of `tests/attach.rs`, and what they are: ours, and what each is compared with.
const KINDS: [(&str, &str); 4] = [
    ("short_without_namespace", "`access = \"read\"`"),
    ("short_ready_made", "with a ready-made kubeconfig"),
    ("short_with_namespace", "each with a namespace"),
    ("short_ready_made_with_namespace", "ready-made, each makes and deletes one itself"),
];

/// Runs every kind in turn, so that whatever else the machine does meets all.
pub(crate) async fn measure(
    scene: &Scene,
    kubeconfig: &Path,
    tests: usize,
    at_once: usize,
    runs: u32,
) -> anyhow::Result<()> {
    let mut times = [const { Vec::<Duration>::new() }; KINDS.len()];
    for run in 1..=runs {
        eprintln!("{tests} short tests: run {run} of {runs}");
        for ((test, _), times) in KINDS.iter().zip(&mut times) {
            let (_, took) = spawn::all(tests, at_once, || {
                let mut command = scene.test(test);
                command.env("KUBECONFIG", kubeconfig);
                command
            })
            .await?;
            times.push(took);
        }
    }
    println!("{}", table::head(&format!("{tests} tests of 10 ms, {at_once} at a time (milliseconds)")));
    for ((_, name), times) in KINDS.iter().zip(&times) {
        println!("{}", table::row(name, times));
    }
    let [read, ready_made, with, with_its_own] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    });
    println!(
        "medians, ours in relation to a ready-made kubeconfig: read {:.2}, with a namespace {:.2} ({:.2} to a bare one)",
        read / ready_made,
        with / with_its_own,
        with / ready_made
    );
    Ok(())
}
