//! The measurements in their order, on one cluster that is there for all of them.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use kind_conformance::{Catalog, Logs, RunError, Runner, Spec};
use kind_core::{
    access::Access,
    settings::{Keep, Settings},
};
use kind_engine::{DockerEngine, Engine as _};
use kind_images::{Release, conformance};
use tokio::process::Command;

use super::{
    ginkgo::{Choice, Ginkgo},
    ours::{Ran, Tests},
    shared,
};
use crate::{
    args::{ConformanceArgs, Way},
    create::machine,
    figures::Figures,
    report::{Report, Row, Shape},
};

/// Every seventh spec that may run beside others and is not slow, which is a few of every group.
const EVERY: usize = 7;

/// A state folder, and a run in it that is over when this program ends.
pub(super) struct Scene {
    folder: tempfile::TempDir,
    run: String,
}

impl Scene {
    fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("make a folder")?;
        Ok(Self { folder, run: format!("bench-{}-conformance", std::process::id()) })
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn artifacts(&self) -> PathBuf {
        self.folder.path().join("artifacts")
    }

    /// What makes a process one of this run.
    pub(super) fn environment(&self, command: &mut Command) {
        command
            .env("NEXTEST_RUN_ID", &self.run)
            .env("KIND_TEST_REQUIRE", "1")
            .env("KIND_TEST_KEEP", "never")
            .env("KIND_TEST_STATE_DIR", self.state())
            .env("ARTIFACTS", self.artifacts());
    }

    /// The same for this process.
    fn settings(&self, mut settings: Settings) -> Settings {
        settings.run = Some(self.run.clone());
        settings.require = true;
        settings.keep = Keep::Never;
        settings.state_dir = Some(self.state());
        settings.artifacts = self.artifacts();
        settings
    }
}

/// Measures, and prints.
///
/// # Errors
/// When there is no suite or no cluster, or a spec fails.
pub async fn run(arguments: ConformanceArgs, settings: Settings) -> anyhow::Result<()> {
    let cache = settings.cache_dir.as_deref().context("find the conformance suite: HOME is not set")?.join("images");
    let suite = conformance::find(Release::newest(), &cache)
        .context("find the conformance suite: `cargo xtask bench conformance` builds it")?;
    let specs = specs(&arguments);
    let facts = DockerEngine::find(&settings.engine).await?.facts().await?;
    let tests = Tests::build().await?;
    let scene = Scene::new()?;
    let own = scene.settings(settings);
    let runner_of = || Runner::find(own.clone(), Catalog::newest(), Logs::OfFailed, kind_conformance::TestImages::Ours);
    let runner = runner_of()?;
    eprintln!("making the cluster");
    let hold = runner.cluster(Access::Shared, "bench::conformance").await?;
    let kubeconfig = scene.folder.path().join("kubeconfig");
    write_secret(&kubeconfig, hold.cluster().kubeconfig().await?)?;
    let ginkgo =
        Ginkgo { command: arguments.ginkgo.clone(), e2e_test: suite.e2e_test, kubectl: suite.kubectl, kubeconfig };
    let outcome = tokio::select! {
        outcome = measure(&scene, &tests, &ginkgo, &specs, &arguments, &runner_of) => outcome,
        signal = tokio::signal::ctrl_c() => Err(signal.map_or_else(Into::into, |()| anyhow::anyhow!("interrupted"))),
    };
    hold.passed().await;
    let shapes = outcome?;
    let report = Report { machine: machine(&facts), image: suite.image, runs: arguments.runs, shapes };
    println!("{}", report.to_table());
    Ok(())
}

async fn measure(
    scene: &Scene,
    tests: &Tests,
    ginkgo: &Ginkgo,
    specs: &[&'static Spec],
    arguments: &ConformanceArgs,
    runner: &dyn Fn() -> Result<Runner, RunError>,
) -> anyhow::Result<Vec<Shape>> {
    let (alone, at_once, runs) = (arguments.alone.min(specs.len()), arguments.at_once.get(), arguments.runs);
    eprintln!("{alone} specs, one at a time");
    if alone > 0 {
        // The first one finds nothing in the machine's caches.
        tests.run(scene, &specs[..1], 1).await?;
    }
    let (ran, _) = tests.run(scene, &specs[..alone], 1).await?;
    let alone: Vec<Duration> = ran.iter().map(Ran::overhead).collect();
    let choice = if arguments.all { Choice::Parallel } else { Choice::These(specs) };
    let (mut beside, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut in_turn, mut by_turns) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        eprintln!("{} specs, {at_once} at a time: run {run} of {runs}", specs.len());
        let mut ways = arguments.ways.clone();
        // Who comes first finds the nodes without the specs' images in their caches, so each does in its turn.
        let first = (run as usize - 1) % ways.len();
        ways.rotate_left(first);
        for way in ways {
            let took = match way {
                Way::Tests => {
                    let (ran, took) = tests.run(scene, specs, at_once).await?;
                    beside.extend(ran.iter().map(Ran::overhead));
                    ours.push(took);
                    took
                }
                Way::Turns => {
                    let (overheads, took) = shared::run(runner()?, specs, arguments.at_once).await?;
                    in_turn.extend(overheads);
                    by_turns.push(took);
                    took
                }
                Way::Ginkgo => {
                    let took = ginkgo.run(&choice, specs.len(), at_once).await?;
                    theirs.push(took);
                    took
                }
            };
            eprintln!("  {:.1} s {}", took.as_secs_f64(), how(way));
        }
    }
    let row = |name: &str, times: &[Duration]| Figures::of(times).map(|figures| Row { name: name.to_owned(), figures });
    let overhead = [
        row("overhead as a test, one at a time", &alone),
        row(&format!("overhead as a test, {at_once} at a time"), &beside),
        row(&format!("overhead by turns, {at_once} at a time"), &in_turn),
    ];
    let wall = |times: &[Duration]| row(&format!("{} specs, {at_once} at a time", specs.len()), times);
    Ok(vec![
        Shape::alone("one spec", overhead.into_iter().flatten().collect()),
        Shape {
            name: "many specs by turns".to_owned(),
            rows: wall(&by_turns).into_iter().collect(),
            baseline: "ginkgo",
            baseline_rows: wall(&theirs).into_iter().collect(),
        },
        Shape {
            name: "many specs as tests".to_owned(),
            rows: wall(&ours).into_iter().collect(),
            baseline: "ginkgo",
            baseline_rows: wall(&theirs).into_iter().collect(),
        },
    ])
}

fn how(way: Way) -> &'static str {
    match way {
        Way::Tests => "as tests",
        Way::Turns => "by turns",
        Way::Ginkgo => "under ginkgo",
    }
}

/// Only for this user: it holds a private key.
fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

fn specs(arguments: &ConformanceArgs) -> Vec<&'static Spec> {
    let specs = Catalog::newest().specs().iter().filter(|spec| !spec.is_serial());
    if arguments.all {
        return specs.collect();
    }
    specs.filter(|spec| !spec.is_slow()).step_by(EVERY).take(arguments.specs.get()).collect()
}
