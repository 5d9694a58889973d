//! The file of results: a line for each spec that ran, so that a run can be resumed and told about.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io,
    io::Write as _,
    path::Path,
    time::Duration,
};

/// The last result of a spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Whether it passed.
    pub passed: bool,
    /// How long it took, as the suite measured it.
    pub took: Duration,
    /// How long the whole process of the suite took.
    pub process: Duration,
    /// The number of its line: who has a higher one ended later.
    pub line: usize,
}

/// Adds a line: test, `passed` or `failed`, the suite's own seconds, the process's seconds. Lines of processes that write
/// at the same time stay whole.
pub(crate) fn append(path: &Path, test: &str, result: &str, took: Duration, process: Duration) -> io::Result<()> {
    let line = format!("{test}\t{result}\t{:.2}\t{:.2}\n", took.as_secs_f64(), process.as_secs_f64());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // One write of a few bytes to a file that is only appended to.
    OpenOptions::new().append(true).create(true).open(path)?.write_all(line.as_bytes())
}

/// The last result of every test in a file that need not be there. A line that is not whole, as after a full disk, is
/// none.
pub(crate) fn read(path: &Path) -> io::Result<BTreeMap<String, Recorded>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text?,
    };
    let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).enumerate();
    Ok(lines.filter_map(|(number, line)| recorded(number, line)).collect())
}

fn recorded(line: usize, words: &str) -> Option<(String, Recorded)> {
    let fields: Vec<&str> = words.trim_end().split('\t').collect();
    let [test, result @ ("passed" | "failed"), took, process] = fields.as_slice() else { return None };
    let seconds = |text: &str| Duration::try_from_secs_f64(text.parse().ok()?).ok();
    let (took, process) = (seconds(took)?, seconds(process)?);
    Some(((*test).to_owned(), Recorded { passed: *result == "passed", took, process, line }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_and_the_last_of_a_test_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/results.tsv");
        assert_eq!(read(&path).unwrap(), BTreeMap::new());
        append(&path, "a::b", "passed", Duration::from_millis(1250), Duration::from_secs(2)).unwrap();
        append(&path, "a::c", "failed", Duration::ZERO, Duration::from_secs(3)).unwrap();
        append(&path, "a::b", "failed", Duration::ZERO, Duration::from_secs(4)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "a::b\tpassed\t1.25\t2.00\na::c\tfailed\t0.00\t3.00\na::b\tfailed\t0.00\t4.00\n");
        let read = read(&path).unwrap();
        let failed = |line, process| Recorded {
            passed: false,
            took: Duration::ZERO,
            process: Duration::from_secs(process),
            line,
        };
        assert_eq!(read, BTreeMap::from([("a::b".to_owned(), failed(2, 4)), ("a::c".to_owned(), failed(1, 3))]));
    }

    #[test]
    fn half_a_line_is_no_result() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.tsv");
        fs::write(&path, "a\tpassed\t1.0\nb\tpassed\t1.0\t2.0\nc\tpassed\t1.0\t2.0").unwrap();
        assert_eq!(read(&path).unwrap().into_keys().collect::<Vec<_>>(), ["b"]);
    }
}
