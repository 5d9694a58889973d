//! The command line, as `cargo xtask bench` fills it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
}

/// How to measure attaching.
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// How many times to attach.
    #[arg(long, default_value_t = 20)]
    pub runs: u32,
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
