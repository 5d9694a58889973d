//! Lists of a suite's specs: reading one, and writing one from what the program itself says.

use std::{
    collections::{BTreeMap, HashSet},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    catalog::Spec,
    naming::{SERIAL_PART, snake},
    report::{self, ReportError},
};

/// A list that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// A line is none of a list's.
    #[error("read the list of specs, line {number}: expected a test's name, a tab and a spec's name, found {found:?}")]
    Line {
        /// The line's number.
        number: usize,
        /// The line.
        found: String,
    },
    /// Two specs have the same name, as tests or in the suite.
    #[error("list the specs: two of them are called {name:?}; give them texts that differ in letters or digits")]
    Ambiguous {
        /// The name.
        name: String,
    },
    /// The program could not be started.
    #[error("start {}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The program is no ginkgo suite, or its specs cannot be told.
    #[error("list the specs of {}: it ended with {status} and said\n{printed}", program.display())]
    NoReport {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: String,
        /// What it printed.
        printed: String,
        /// What is wrong with the report.
        #[source]
        source: ReportError,
    },
}

/// The list of a suite's specs, for [`Suite::main`](crate::Suite::main): one a line, the test's name and the spec's with a
/// tab between, in the order of the tests' names. The program is run, without a cluster and without running a spec.
///
/// A test's name is made of the texts of the spec's containers and its own, with `serial` before the last where the label
/// `Serial`, or `[Serial]` in a text, says so.
///
/// # Errors
/// When the program cannot be run, is no ginkgo suite, or has two specs that would get the same name.
pub fn list(program: &Path) -> Result<String, ListError> {
    let start = |source| ListError::Start { program: program.to_owned(), source };
    let folder = tempfile::tempdir().map_err(start)?;
    let report = folder.path().join("report.json");
    let output = Command::new(program)
        .args(["--ginkgo.dry-run", "--ginkgo.no-color"])
        .arg(format!("--ginkgo.json-report={}", report.display()))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .map_err(start)?;
    let specs = report::specs(&report).map_err(|source| ListError::NoReport {
        program: program.to_owned(),
        status: output.status.to_string(),
        printed: String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        source,
    })?;
    let mut named = BTreeMap::new();
    for spec in specs {
        let test = test_name(&spec.texts, spec.is_serial);
        if named.insert(test.clone(), spec.texts.join(" ")).is_some() {
            return Err(ListError::Ambiguous { name: test });
        }
    }
    Ok(named.into_iter().fold(String::new(), |list, (test, upstream)| list + &test + "\t" + &upstream + "\n"))
}

fn test_name(texts: &[String], is_serial: bool) -> String {
    let mut parts: Vec<String> = texts.iter().map(|text| snake(text)).filter(|part| !part.is_empty()).collect();
    if is_serial {
        parts.insert(parts.len().saturating_sub(1), SERIAL_PART.to_owned());
    }
    parts.join("::")
}

/// Reads a list. Lines that begin with `#` are for people.
pub(crate) fn read(text: &'static str) -> Result<Vec<Spec>, ListError> {
    let mut specs = Vec::new();
    let (mut tests, mut upstreams) = (HashSet::new(), HashSet::new());
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let wrong = || ListError::Line { number: index + 1, found: line.to_owned() };
        let (name, upstream) = line.split_once('\t').ok_or_else(wrong)?;
        if name.is_empty() || upstream.trim().is_empty() {
            return Err(wrong());
        }
        for (name, seen) in [(name, &mut tests), (upstream, &mut upstreams)] {
            if !seen.insert(name) {
                return Err(ListError::Ambiguous { name: name.to_owned() });
            }
        }
        specs.push(Spec { test: name, upstream });
    }
    Ok(specs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_with_its_lines_numbers() {
        assert_eq!(read("# x\na::b\ta b\n").unwrap(), [Spec { test: "a::b", upstream: "a b" }]);
        assert!(read("a::serial::b\ta b\n").unwrap()[0].is_serial());
        let error = read("a\tb\nonly words\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("only words"), "{error}");
        assert!(read("works\tworks\n").is_ok());
        assert!(matches!(read("a\tx\na\ty\n"), Err(ListError::Ambiguous { name }) if name == "a"));
        assert!(matches!(read("a\tx\nb\tx\n"), Err(ListError::Ambiguous { name }) if name == "x"));
    }

    /// A program that leaves this report, whatever it is asked.
    fn program(report: &str) -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("suite");
        let find = r#"for a in "$@"; do case $a in --ginkgo.json-report=*) r=${a#*=};; esac; done"#;
        std::fs::write(&path, format!("#!/bin/sh\n{find}\necho says this\n{report}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        folder
    }

    /// A spec in a container that has these labels.
    fn spec(containers: &str, labels: &str, text: &str) -> String {
        format!(
            r#"{{"LeafNodeType":"It","ContainerHierarchyTexts":{containers},"ContainerHierarchyLabels":{labels},"LeafNodeLabels":null,"LeafNodeText":"{text}","State":"passed"}}"#
        )
    }

    fn reporting(specs: &[String]) -> tempfile::TempDir {
        let before = r#"{"LeafNodeType":"BeforeSuite","ContainerHierarchyTexts":null,"State":"passed"}"#;
        program(&format!(r#"echo '[{{"SpecReports":[{before},{}]}}]' >"$r""#, specs.join(",")))
    }

    #[test]
    fn a_list_is_written_from_what_the_program_says() {
        let specs = [
            spec(r#"["Pods","when full"]"#, r#"[["Slow","Serial"],null]"#, "wait  long"),
            spec(r#"["Nodes"]"#, "[null]", "go [Serial]"),
            spec("null", "null", "a top one"),
        ];
        let folder = reporting(&specs);
        let list = list(&folder.path().join("suite")).unwrap();
        assert_eq!(
            list,
            "a_top_one\ta top one\nnodes::serial::go_serial\tNodes go [Serial]\npods::when_full::serial::wait_long\tPods when full wait  long\n"
        );
    }

    #[test]
    fn specs_that_no_name_tells_apart_are_refused() {
        let folder = reporting(&[spec("null", "null", "works!"), spec("null", "null", "works?")]);
        let error = list(&folder.path().join("suite")).unwrap_err();
        assert!(matches!(error, ListError::Ambiguous { name } if name == "works"));
    }

    #[test]
    fn what_is_no_suite_is_quoted() {
        let folder = program("exit 3");
        let error = list(&folder.path().join("suite")).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.ends_with("says this\n"), "{error}");
        let error = list(Path::new("/no/suite")).unwrap_err().to_string();
        assert_eq!(error, "start /no/suite");
    }
}
