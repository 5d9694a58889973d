//! The specs as tests: what `cargo test` and `cargo nextest` list and run.

use std::{process::ExitCode, sync::Arc};

use kind_core::{causes::lines, settings::Settings};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::{
    catalog::{Catalog, Spec},
    names::read,
    run::{Logs, RunError, Runner, Verdict},
    schedule::{capacity, in_order},
    stop::Stop,
    suite::Suite,
};

/// The whole of a test binary's `main`: lists or runs the specs of the newest supported version.
///
/// Listing reads a list that is compiled in, and nothing else.
pub fn main() -> ExitCode {
    tests(Catalog::newest().specs(), |settings| {
        Runner::find(settings, Catalog::newest(), Logs::OfFailed, crate::TestImages::Ours)
    })
}

impl Suite {
    /// The whole of a test binary's `main`: lists or runs the specs of a list that [`list()`](crate::list) wrote. To list
    /// them asks neither the program nor a cluster.
    pub fn main(self, specs: &'static str) -> ExitCode {
        match read(specs) {
            Ok(specs) => tests(specs.leak(), move |settings| Ok(Runner::new(settings, self.clone(), Logs::OfFailed))),
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        }
    }
}

/// Lists or runs specs. `runner` is only asked for when one runs.
fn tests(
    specs: &'static [Spec],
    runner: impl Fn(Settings) -> Result<Runner, RunError> + Send + Sync + 'static,
) -> ExitCode {
    let settings = match Settings::from_environment() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("read the settings from the environment: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut arguments = Arguments::from_args();
    if arguments.test_threads.is_none() {
        arguments.test_threads = Some(capacity().get());
    }
    let shared = Arc::new((settings, runner));
    let trials = in_order(specs).into_iter().map(|spec| {
        let shared = Arc::clone(&shared);
        Trial::test(spec.test, move || {
            let (settings, runner) = &*shared;
            judge(settings, spec, runner(settings.clone()))
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn judge(settings: &Settings, spec: &Spec, runner: Result<Runner, RunError>) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ran = runner.and_then(|runner| runtime.block_on(runner.run(spec, &Stop::never())));
    match ran {
        Ok(Verdict::Passed { took, process }) => {
            println!("{}", spec.upstream);
            println!("took {:.2} s in a process of {:.2} s", took.as_secs_f64(), process.as_secs_f64());
            Ok(())
        }
        Ok(Verdict::Failed(failed)) => Err(failed.to_string().into()),
        Ok(Verdict::Stopped) => Err("it was stopped".into()),
        Err(error) => match no_engine(&error) {
            Some(reason) if settings.require => {
                let required = "KIND_TEST_REQUIRE, or CI, makes that a failure instead of a skipped test";
                Err(format!("get a cluster: {reason}; {required}").into())
            }
            Some(reason) => {
                eprintln!("SKIPPED: {}: {reason}", spec.test);
                Ok(())
            }
            None => Err(format!("{}\nfailed to {}", spec.upstream, lines(&error)).into()),
        },
    }
}

/// The reason where nothing here can run a cluster.
fn no_engine(error: &RunError) -> Option<String> {
    match error {
        RunError::Cluster(error) => error.is_no_engine(),
        _ => None,
    }
}
