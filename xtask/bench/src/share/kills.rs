//! Kills tests, keepers and runners at random, and counts what is left when all is over.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, SystemTime},
};

use anyhow::{Context, bail};
use kind_core::wait::{Check, until_every};
use kind_engine::Engine;
use kind_testkit::{Auditor, children, keepers};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::{Child, Command};

use super::programs::Programs;

/// How often the auditor looks.
const EVERY: Duration = Duration::from_millis(50);
/// How long everything may take to be gone after the last run.
const LIMIT: Duration = Duration::from_secs(120);
/// How many tests a run has, and how many at a time.
const TESTS: (&str, &str) = ("60", "6");

/// What is killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Test,
    Keeper,
    Runner,
    Everything,
}

/// Numbers that a seed determines.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        // The constants of Knuth's MMIX generator.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn victim(&mut self) -> Victim {
        match self.below(20) {
            0..=10 => Victim::Test,
            11..=15 => Victim::Keeper,
            16..=17 => Victim::Runner,
            _ => Victim::Everything,
        }
    }
}

/// Kills so often, then lets one run come to its end, and fails if anything is left.
pub(crate) async fn count(
    programs: &Programs,
    engine: &dyn Engine,
    kills: u32,
    seed: Option<u64>,
) -> anyhow::Result<()> {
    let seed = seed.map_or_else(fresh_seed, Ok)?;
    let mut random = Random(seed);
    let folder = tempfile::tempdir().context("make a folder")?;
    for name in ["state", "temporary"] {
        std::fs::create_dir(folder.path().join(name)).context("make a folder")?;
    }
    let state = folder.path().join("state");
    let mut auditor = Auditor::new(&state, &folder.path().join("temporary"));
    let (mut killed, mut runs) = (0, 0);
    let mut dead = [0; 4];
    while killed < kills {
        runs += 1;
        let mut runner = start(programs, folder.path(), runs, TESTS)?;
        while killed < kills && runner.try_wait()?.is_none() {
            look_for(Duration::from_millis(100 + random.below(1500)), &mut auditor, engine).await;
            let victim = random.victim();
            if strike(victim, &mut runner, &state, &mut random).await {
                killed += 1;
                dead[victim as usize] += 1;
                eprintln!("kill {killed} of {kills}: {victim:?}");
            }
        }
        // At the end of the last one, too, the tests lose their runner.
        let _ = runner.kill().await;
    }
    runs += 1;
    let mut last = start(programs, folder.path(), runs, ("1", "1"))?;
    let ended = last.wait().await?;
    let mut left = Vec::new();
    let gone = until_every(EVERY, "the end of everything", LIMIT, async || match auditor.left(engine).await {
        Ok(found) => {
            left = found;
            if left.is_empty() { Check::Done(()) } else { Check::not_yet("something is left") }
        }
        Err(error) => Check::not_yet(error),
    });
    let gone = gone.await;
    let [tests, keepers, runners, all] = dead;
    println!(
        "\n{killed} kills (seed {seed}): {tests} tests, {keepers} keepers, {runners} runners, {all} times everything"
    );
    println!("{} containers in {runs} runs, left: {}", auditor.containers_seen(), left.len());
    for line in &left {
        println!("  {line}");
    }
    if gone.is_err() || !ended.success() {
        bail!("leave nothing behind; the folder was {}", folder.keep().display());
    }
    Ok(())
}

fn fresh_seed() -> anyhow::Result<u64> {
    Ok(u64::from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.subsec_nanos()))
}

/// Starts a runner: this program again.
fn start(programs: &Programs, folder: &Path, run: u32, (count, at_once): (&str, &str)) -> anyhow::Result<Child> {
    // Building the test programs may have put another file in this program's place.
    let mut command = Command::new("/proc/self/exe");
    command.args(["run-tests", "--count", count, "--at-once", at_once, "--program"]).arg(&programs.lease);
    command.args(["--run", &format!("bench-{}-kills-{run}", std::process::id())]);
    command
        .env("KIND_TEST_REQUIRE", "1")
        .env("KIND_TEST_KEEP", "never")
        .env("KIND_TEST_STATE_DIR", folder.join("state"))
        .env("TMPDIR", folder.join("temporary"))
        .env("ARTIFACTS", folder.join("artifacts"))
        .process_group(0)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command.spawn().context("start a runner")
}

/// Lets time pass, and looks at what has to be gone in the end.
async fn look_for(time: Duration, auditor: &mut Auditor, engine: &dyn Engine) {
    let passed = until_every(EVERY, "time", time, async || {
        // What is missed here is seen at the next look.
        let _ = auditor.look(engine).await;
        Check::<()>::not_yet("it passes")
    });
    let _ = passed.await;
}

/// Kills, and says whether there was anything to kill.
async fn strike(victim: Victim, runner: &mut Child, state: &Path, random: &mut Random) -> bool {
    let Some(pid) = runner.id() else { return false };
    let mut one_of = |mut all: Vec<u32>| {
        if all.is_empty() {
            all
        } else {
            vec![all.swap_remove(usize::try_from(random.below(all.len() as u64)).unwrap_or(0))]
        }
    };
    let victims = match victim {
        Victim::Test => one_of(children(pid)),
        Victim::Keeper => one_of(keepers(state)),
        Victim::Runner => vec![pid],
        Victim::Everything => {
            // So that it starts no more.
            send(pid, Signal::SIGSTOP);
            [keepers(state), children(pid), vec![pid]].concat()
        }
    };
    for victim in &victims {
        send(*victim, Signal::SIGKILL);
    }
    if matches!(victim, Victim::Runner | Victim::Everything) {
        let _ = runner.wait().await;
    }
    !victims.is_empty()
}

fn send(process: u32, signal: Signal) {
    // It may have ended by itself meanwhile.
    let _ = kill(Pid::from_raw(process.cast_signed()), signal);
}
