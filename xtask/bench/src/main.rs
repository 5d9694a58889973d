//! Reads the command line, runs one benchmark, and prints why it failed.

use std::process::ExitCode;

use clap::Parser;
use kind_bench::{
    args::{Benchmark, Cli},
    attach, create, share,
};

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().benchmark {
        Benchmark::Create(arguments) => create::run(arguments).await,
        Benchmark::Attach(arguments) => attach::run(arguments).await,
        Benchmark::Share(arguments) => share::run(arguments).await,
        Benchmark::RunTests(arguments) => {
            share::run_tests(arguments).await;
            Ok(())
        }
    };
    if let Err(error) = outcome {
        eprintln!("kind-bench: failed to {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
