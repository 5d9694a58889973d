//! An ordinary ginkgo suite, `conformance/example`, as tests: what a user writes to have theirs run like this.
//!
//! `cargo xtask test` builds it; so does `go test -c -o ../../target/kind/go/example.test .` in its folder.

use std::{path::Path, process::ExitCode};

use kind_conformance::Suite;

fn main() -> ExitCode {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("kind").join("go/example.test");
    // The cluster is the one that tests of the default shape share.
    Suite::new(program).main(include_str!("../example/specs.tsv"))
}
