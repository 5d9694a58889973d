//! The specs as tests: what `cargo test` and `cargo nextest` list and run.

use std::{num::NonZero, process::ExitCode, sync::Arc};

use kind_harness::{lease, settings::Settings};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::{
    catalog::{Catalog, Spec},
    run::{Verdict, chain, run},
};

/// How many specs run at once for each processor where the caller does not say: they wait most of the time.
const PER_PROCESSOR: usize = 3;

/// The whole of a test binary's `main`: lists or runs the specs of the newest supported version.
///
/// Listing reads a list that is compiled in, and nothing else.
pub fn main() -> ExitCode {
    let settings = match Settings::from_environment() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("read the settings from the environment: {error}");
            return ExitCode::FAILURE;
        }
    };
    // This process may be no test: it is started again to keep a cluster, through the test that wanted it.
    if let Some(order) = lease::keeper_order(&settings) {
        return lease::run_keeper(order);
    }
    let mut arguments = Arguments::from_args();
    if arguments.test_threads.is_none() {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        arguments.test_threads = Some(processors * PER_PROCESSOR);
    }
    let settings = Arc::new(settings);
    let trials = in_order(Catalog::newest().specs()).into_iter().map(|spec| {
        let settings = Arc::clone(&settings);
        Trial::test(spec.test, move || judge(&settings, spec))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Slow specs first, so that the others fill the time beside them; serial ones last, when nobody else is left to wait.
fn in_order(specs: &'static [Spec]) -> Vec<&'static Spec> {
    let mut specs: Vec<&Spec> = specs.iter().collect();
    specs.sort_by_key(|spec| (spec.is_serial(), !spec.is_slow()));
    specs
}

fn judge(settings: &Settings, spec: &Spec) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(run(settings, spec)) {
        Ok(Verdict::Passed { took, process }) => {
            println!("{}", spec.upstream);
            println!("took {:.2} s in a process of {:.2} s", took.as_secs_f64(), process.as_secs_f64());
            Ok(())
        }
        Ok(Verdict::Skipped(reason)) => {
            eprintln!("SKIPPED: {}: {reason}", spec.test);
            Ok(())
        }
        Ok(Verdict::Failed(text)) => Err(text.into()),
        Err(error) => Err(format!("{}\nfailed to {}", spec.upstream, chain(&error)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_specs_come_last_and_slow_ones_first() {
        let order = in_order(Catalog::newest().specs());
        assert_eq!(order.len(), Catalog::newest().specs().len());
        assert!(order[0].is_slow() && order.last().is_some_and(|spec| spec.is_serial()));
        assert!(order.iter().map(|spec| spec.is_serial()).is_sorted());
    }
}
