//! `kind-rs conformance list`.

use serde::Serialize;

use super::choose::choose;
use crate::{args::ConformanceList, failure::Failure, output::print_as};

/// A spec, as programs read it.
#[derive(Serialize)]
struct Listed {
    name: &'static str,
    upstream: &'static str,
    serial: bool,
    slow: bool,
}

pub(crate) fn run(args: ConformanceList) -> Result<(), Failure> {
    let (_, specs) = choose(args.specs)?;
    let listed = specs.iter().map(|spec| Listed {
        name: spec.test,
        upstream: spec.upstream,
        serial: spec.is_serial(),
        slow: spec.is_slow(),
    });
    print_as(args.output, &listed.collect::<Vec<_>>(), specs.iter().map(|spec| spec.test))
}
