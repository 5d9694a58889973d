//! Every conformance spec as a test. What happens is in `kind_conformance::trial`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kind_conformance::main()
}
