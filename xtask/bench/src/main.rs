//! Reads the command line, runs one benchmark, and prints why it failed.

use std::process::ExitCode;

use clap::Parser;
use kind_bench::{
    args::{Benchmark, Cli},
    attach, conformance, create, pause, share,
};
use kind_core::settings::Settings;

fn main() -> ExitCode {
    let settings = match Settings::from_environment() {
        Ok(settings) => settings,
        Err(error) => return failed(&error.into()),
    };
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(run(settings)),
        Err(error) => failed(&error.into()),
    }
}

async fn run(settings: Settings) -> ExitCode {
    let outcome = match Cli::parse().benchmark {
        Benchmark::Create(arguments) => Box::pin(create::run(arguments)).await,
        Benchmark::Attach(arguments) => attach::run(arguments).await,
        Benchmark::Pause(arguments) => Box::pin(pause::run(arguments)).await,
        Benchmark::Share(arguments) => share::run(arguments).await,
        Benchmark::Conformance(arguments) => conformance::run(arguments, settings).await,
        Benchmark::RunTests(arguments) => {
            share::run_tests(arguments).await;
            Ok(())
        }
    };
    outcome.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("kind-bench: failed to {error:#}");
    ExitCode::FAILURE
}
