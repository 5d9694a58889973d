//! The file of results: a line for each spec that ran, so that a run can be resumed and told about.

use std::{fs::OpenOptions, io, io::Write as _, path::Path, time::Duration};

/// Adds a line: test, `passed` or `failed`, the suite's own seconds, the process's seconds. Lines of processes that write
/// at the same time stay whole.
pub(crate) fn append(path: &Path, test: &str, result: &str, took: Duration, process: Duration) -> io::Result<()> {
    let line = format!("{test}\t{result}\t{:.2}\t{:.2}\n", took.as_secs_f64(), process.as_secs_f64());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // One write of a few bytes to a file that is only appended to.
    OpenOptions::new().append(true).create(true).open(path)?.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/results.tsv");
        append(&path, "a::b", "passed", Duration::from_millis(1250), Duration::from_secs(2)).unwrap();
        append(&path, "a::c", "failed", Duration::ZERO, Duration::from_secs(3)).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "a::b\tpassed\t1.25\t2.00\na::c\tfailed\t0.00\t3.00\n");
    }
}
