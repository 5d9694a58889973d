//! Whole texts compared with files in the repository.

use std::{env, fs, path::Path};

/// Compares `actual` with the file; `UPDATE=1` writes the file instead.
///
/// # Panics
/// When they differ, naming the first line that does, or when the file cannot be read or written.
#[expect(
    clippy::disallowed_methods,
    reason = "UPDATE is a switch for whoever runs the tests, not a setting of the product"
)]
pub fn assert_golden(file: impl AsRef<Path>, actual: &str) {
    let file = file.as_ref();
    if env::var_os("UPDATE").is_some() {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).unwrap_or_else(|error| panic!("create {}: {error}", folder.display()));
        }
        fs::write(file, actual).unwrap_or_else(|error| panic!("write {}: {error}", file.display()));
        return;
    }
    let expected =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("read {}: {error}; UPDATE=1 writes it", file.display()));
    if expected == actual {
        return;
    }
    let differing = expected.lines().zip(actual.lines()).position(|(left, right)| left != right);
    let line = differing.unwrap_or_else(|| expected.lines().count().min(actual.lines().count()));
    panic!(
        "{} differs at line {}:\n  expected {:?}\n  actual   {:?}\nUPDATE=1 accepts the new text:\n{actual}",
        file.display(),
        line + 1,
        expected.lines().nth(line).unwrap_or("<end>"),
        actual.lines().nth(line).unwrap_or("<end>"),
    );
}
