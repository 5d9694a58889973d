//! The command line, as `cargo xtask bench` fills it.

use std::{num::NonZero, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Benchmarks of the harness.
#[derive(Debug, Parser)]
pub struct Cli {
    /// Which one.
    #[command(subcommand)]
    pub benchmark: Benchmark,
}

/// The benchmarks.
#[derive(Debug, Subcommand)]
pub enum Benchmark {
    /// Time the steps of cluster creation.
    Create(CreateArgs),
    /// Time how long a further test process waits before its body starts.
    Attach(AttachArgs),
    /// Measure idle clusters, and how soon paused ones are themselves again.
    Pause(PauseArgs),
    /// Measure leases and short tests on one cluster, and count what is left after random kills.
    Share(ShareArgs),
    /// Measure what a conformance spec costs as a test of its own, and compare many with ginkgo's own parallel mode.
    Conformance(ConformanceArgs),
    /// Run tests as a runner does, to be killed.
    #[command(hide = true)]
    RunTests(RunTestsArgs),
}

/// How to measure sharing.
#[derive(Debug, Args)]
pub struct ShareArgs {
    /// How many processes ask for a lease; 0 leaves that out.
    #[arg(long, default_value_t = 200)]
    pub queued: usize,
    /// How many short tests are run; 0 leaves that out.
    #[arg(long, default_value_t = 500)]
    pub tests: usize,
    /// How many processes at a time.
    #[arg(long, default_value_t = 8)]
    pub at_once: usize,
    /// How many times the short tests are run.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// How many times something is killed; 0 leaves that out.
    #[arg(long, default_value_t = 100)]
    pub kills: u32,
    /// What the kills are drawn from.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Build the test programs with optimisation.
    #[arg(long)]
    pub release: bool,
}

/// How to measure conformance specs.
#[derive(Debug, Args)]
pub struct ConformanceArgs {
    /// Ginkgo's own command, of the suite's version.
    #[arg(long)]
    pub ginkgo: PathBuf,
    /// How many specs are run: every seventh parallel one.
    #[arg(long, default_value = "60")]
    pub specs: NonZero<usize>,
    /// Every parallel spec instead.
    #[arg(long, conflicts_with = "specs")]
    pub all: bool,
    /// How many of them are run one at a time first.
    #[arg(long, default_value_t = 10)]
    pub alone: usize,
    /// How many specs at a time.
    #[arg(long, default_value = "6")]
    pub at_once: NonZero<usize>,
    /// How many times all of them are run in each way; 0 leaves that out.
    #[arg(long, default_value_t = 3)]
    pub runs: u32,
    /// In which ways; each comes first in its turn.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Way::Tests, Way::Turns, Way::Ginkgo])]
    pub ways: Vec<Way>,
}

/// A way to run conformance specs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// Each as a test, in a process of its own.
    Tests,
    /// By turns on processes of the suite, as `kind-rs conformance run` has them.
    Turns,
    /// Under ginkgo's own command.
    Ginkgo,
}

/// What a runner runs.
#[derive(Debug, Args)]
pub struct RunTestsArgs {
    /// The test program.
    #[arg(long)]
    pub program: PathBuf,
    /// The run's identifier.
    #[arg(long)]
    pub run: String,
    /// How many tests.
    #[arg(long)]
    pub count: usize,
    /// How many at a time.
    #[arg(long)]
    pub at_once: usize,
}

/// How to measure attaching.
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// How many times to attach.
    #[arg(long, default_value_t = 20)]
    pub runs: u32,
}

/// How to measure pauses.
#[derive(Debug, Args)]
pub struct PauseArgs {
    /// How many pauses for each shape.
    #[arg(long, default_value_t = 5)]
    pub runs: u32,
    /// How long each is, in seconds.
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
}

/// How to measure cluster creation.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// How many clusters of each shape to create.
    #[arg(long, default_value_t = 5)]
    pub runs: u32,
    /// The program that times kind.
    #[arg(long)]
    pub kind_baseline: Option<PathBuf>,
    /// Also write the figures to this file.
    #[arg(long)]
    pub json: Option<PathBuf>,
}
