//! Reads the command line and runs one benchmark.

use clap::Parser;
use kind_bench::{
    args::{Benchmark, Cli},
    create,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().benchmark {
        Benchmark::Create(arguments) => create::run(arguments).await,
    }
}
