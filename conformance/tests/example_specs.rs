//! The list of the example's specs is what its program says.

use std::path::Path;

use kind_conformance::list;
use kind_core::settings::Settings;
use kind_testkit::assert_golden;

#[test]
fn the_list_is_what_the_program_says() {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("kind").join("go/example.test");
    if !program.exists() && !Settings::from_environment().unwrap().require {
        eprintln!("SKIPPED: {} is not built; `cargo xtask test` builds it", program.display());
        return;
    }
    assert_golden(Path::new(env!("CARGO_MANIFEST_DIR")).join("example/specs.tsv"), &list(&program).unwrap());
}
