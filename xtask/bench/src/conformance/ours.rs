//! Specs as tests: each a process of the conformance tests' program, started as nextest does it.

use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kind_conformance::Spec;
use tokio::process::Command;

use super::run::Scene;
use crate::programs;

/// The program with the specs as its tests.
pub(super) struct Tests(PathBuf);

/// One spec that was run.
pub(super) struct Ran {
    /// What the whole test took.
    pub(super) test: Duration,
    /// What the suite says that the spec took.
    pub(super) spec: Duration,
}

impl Ran {
    /// What being a test of its own costs.
    pub(super) fn overhead(&self) -> Duration {
        self.test.saturating_sub(self.spec)
    }
}

impl Tests {
    pub(super) async fn build() -> anyhow::Result<Self> {
        // With the whole workspace's features, so that nothing is compiled anew.
        let built = programs::build(&["--workspace", "--test", "conformance"]).await?;
        Ok(Self(built.of("conformance/tests/conformance.rs")?))
    }

    /// Runs these specs, so many at a time. Returns what each took, and how long it took all in all.
    pub(super) async fn run(
        &self,
        scene: &Scene,
        specs: &[&Spec],
        at_once: usize,
    ) -> anyhow::Result<(Vec<Ran>, Duration)> {
        let start = Instant::now();
        let all = stream::iter(specs).map(|spec| self.one(scene, spec)).buffer_unordered(at_once);
        Ok((all.try_collect().await?, start.elapsed()))
    }

    async fn one(&self, scene: &Scene, spec: &Spec) -> anyhow::Result<Ran> {
        let mut command = Command::new(&self.0);
        scene.environment(&mut command);
        command.args(["--exact", spec.test, "--nocapture"]).env("NEXTEST_TEST_NAME", spec.test).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let start = Instant::now();
        let output = command.output().await.context("start the conformance tests")?;
        let test = start.elapsed();
        let printed = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("run {}: {}\n{printed}{}", spec.test, output.status, String::from_utf8_lossy(&output.stderr));
        }
        let took = took(&printed).with_context(|| format!("run {}: it did not say what it took", spec.test))?;
        Ok(Ran { test, spec: took })
    }
}

/// The time in a test's line `took 1.25 s in a process of 2.50 s`.
fn took(printed: &str) -> Option<Duration> {
    let seconds = printed.lines().find_map(|line| line.strip_prefix("took ")?.split_once(" s in a process"))?.0;
    Duration::try_from_secs_f64(seconds.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suites_own_time_is_found() {
        let printed = "\nrunning 1 test\n[sig-a] B\ntook 1.25 s in a process of 2.50 s\ntest a ... ok\n";
        assert_eq!(took(printed), Some(Duration::from_millis(1250)));
        assert_eq!(took("running 1 test"), None);
    }
}
