//! Times what a further test process waits before its body starts, on a cluster that is running: from before the process
//! exists until the body's first line. This program takes nextest's place, so that it sees both ends.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, SystemTime},
};

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::{
    args::AttachArgs,
    figures::Figures,
    report::{Row, Shape, milliseconds},
    share::Programs,
};

/// The tests of `tests/attach.rs`, and what they show.
const TESTS: [(&str, &str); 2] =
    [("without_namespace", "body starts"), ("with_namespace", "body starts, with a namespace")];

/// Attaches again and again, and prints what that took.
///
/// # Errors
/// When the test program cannot be built, or a test fails.
pub async fn run(arguments: AttachArgs) -> anyhow::Result<()> {
    let program = Programs::build(false).await?.tests;
    let run = format!("bench-{}", std::process::id());
    eprintln!("making the cluster");
    attach(&program, &run, TESTS[0].0).await?;
    let mut rows = Vec::new();
    for (test, name) in TESTS {
        let mut times = Vec::new();
        for _ in 0..arguments.runs {
            times.push(attach(&program, &run, test).await?);
        }
        rows.extend(Figures::of(&times).map(|figures| Row { name: name.to_owned(), figures }));
    }
    let shape = Shape::alone("a further test process", rows);
    println!("{}", milliseconds(&shape, arguments.runs));
    Ok(())
}

/// Runs one test in a process of its own, as nextest does, and returns how long its body was in coming.
async fn attach(program: &Path, run: &str, test: &str) -> anyhow::Result<Duration> {
    let mut command = Command::new(program);
    command
        .args(["--exact", test, "--nocapture"])
        .env("NEXTEST_RUN_ID", run)
        .env("NEXTEST_TEST_NAME", test)
        .env("KIND_TEST_REQUIRE", "1")
        .process_group(0)
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let before = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let output = command.output().await.context("start the test program")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("run {test}: {}\n{printed}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let after = body_start(&printed).with_context(|| format!("run {test}: it did not say when its body starts"))?;
    Ok(after.saturating_sub(before))
}

fn body_start(printed: &str) -> Option<Duration> {
    let nanoseconds = printed.lines().find_map(|line| line.strip_prefix("body starts "))?;
    nanoseconds.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bodys_line_is_found_among_the_runners() {
        assert_eq!(body_start("\nrunning 1 test\nbody starts 1500\ntest ok"), Some(Duration::from_nanos(1500)));
        assert_eq!(body_start("running 1 test"), None);
    }
}
