//! Ginkgo's report of one run of the suite: what became of the one spec that was wanted.

use std::{fmt, path::Path, time::Duration};

use serde::Deserialize;

use crate::naming::{SERIAL, tags};

/// What became of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Passed {
        /// How long it took, as the suite measured it.
        took: Duration,
    },
    /// It did not.
    Failed(Failure),
    /// It ran and found that it does not apply, so that nothing was tested.
    SkippedItself {
        /// What it said.
        reason: String,
    },
    /// The suite did not get as far as the spec.
    NotReached {
        /// What failed before it.
        failure: Failure,
    },
    /// The suite has no such spec.
    Unknown,
}

/// Why something failed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// The message of the failed assertion.
    pub message: String,
    /// Where that is in upstream's sources.
    pub location: String,
    /// How long it took.
    pub took: Duration,
    /// The namespace that it used, where a report entry of that name says so.
    pub namespace: Option<String>,
}

/// A spec that the suite has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The texts of its containers and its own.
    pub(crate) texts: Vec<String>,
    /// Whether a label or a tag in its text says `Serial`. Ginkgo's reports do not tell of the decorator.
    pub(crate) is_serial: bool,
}

/// A report cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("read the suite's report {}: expected what ginkgo writes", path.display())]
pub struct ReportError {
    path: std::path::PathBuf,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

#[derive(Deserialize)]
struct Suite {
    #[serde(rename = "SpecReports", default)]
    specs: Option<Vec<Report>>,
}

/// What ginkgo reports of one spec, or of a part of the suite's set-up.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Report {
    #[serde(default)]
    container_hierarchy_texts: Option<Vec<String>>,
    pub(crate) leaf_node_type: String,
    #[serde(default)]
    leaf_node_text: String,
    #[serde(default)]
    pub(crate) leaf_node_location: Location,
    pub(crate) state: String,
    /// In nanoseconds.
    #[serde(default)]
    pub(crate) run_time: u64,
    #[serde(default)]
    pub(crate) captured_ginkgo_writer_output: String,
    #[serde(default)]
    pub(crate) captured_std_out_err: String,
    #[serde(default)]
    pub(crate) spec_events: Option<Vec<Event>>,
    #[serde(default)]
    additional_failures: Option<Vec<AdditionalFailure>>,
    #[serde(default)]
    failure: Option<ReportedFailure>,
    #[serde(default)]
    container_hierarchy_labels: Option<Vec<Option<Vec<String>>>>,
    #[serde(default)]
    leaf_node_labels: Option<Vec<String>>,
    #[serde(default, rename = "ReportEntries")]
    entries: Option<Vec<Entry>>,
}

/// Something that happened while a spec ran.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Event {
    pub(crate) spec_event_type: String,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) code_location: Location,
    #[serde(default)]
    pub(crate) timeline_location: Moment,
}

/// When something happened.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Moment {
    /// How many bytes the spec had printed.
    pub(crate) offset: usize,
    pub(crate) time: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AdditionalFailure {
    failure: ReportedFailure,
}

/// Where an interrupted spec was.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Progress {
    pub(crate) current_step_text: String,
    pub(crate) current_step_location: Location,
    pub(crate) goroutines: Option<Vec<Goroutine>>,
}

/// A thread of the suite.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Goroutine {
    #[serde(default)]
    pub(crate) state: String,
    /// Whether the spec runs in it.
    #[serde(default, rename = "IsSpecGoroutine")]
    pub(crate) is_of_spec: bool,
    #[serde(default)]
    pub(crate) stack: Option<Vec<Call>>,
}

/// A function in a stack.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Call {
    pub(crate) function: String,
    pub(crate) filename: String,
    pub(crate) line: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    name: String,
    #[serde(default)]
    value: Value,
}

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Value {
    #[serde(default)]
    representation: String,
}

/// A failure in a report.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ReportedFailure {
    pub(crate) message: String,
    forwarded_panic: String,
    pub(crate) location: Location,
    pub(crate) progress_report: Option<Progress>,
}

/// A line of the suite's sources.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Location {
    pub(crate) file_name: String,
    pub(crate) line_number: u64,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file_name, self.line_number)
    }
}

/// Reads what became of the spec with this upstream name.
///
/// # Errors
/// When the report is missing or is none.
pub(crate) fn read(path: &Path, upstream: &str) -> Result<Outcome, ReportError> {
    Ok(outcome(reports(path)?, upstream))
}

/// Reads which specs there are, those left out that are marked as pending.
///
/// # Errors
/// When the report is missing or is none.
pub(crate) fn specs(path: &Path) -> Result<Vec<Listed>, ReportError> {
    let specs = reports(path)?.filter(|report| report.leaf_node_type == "It" && report.state != "pending");
    let listed = |report: Report| {
        let labels = report.container_hierarchy_labels.into_iter().flatten().chain([report.leaf_node_labels]);
        let is_labelled = labels.flatten().flatten().any(|label| label == SERIAL);
        let texts = report.container_hierarchy_texts.unwrap_or_default().into_iter().chain([report.leaf_node_text]);
        let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
        let is_serial = is_labelled || texts.iter().any(|text| tags(text).any(|tag| tag == SERIAL));
        Listed { texts, is_serial }
    };
    Ok(specs.map(listed).collect())
}

fn reports(path: &Path) -> Result<impl Iterator<Item = Report>, ReportError> {
    let error = |source| ReportError { path: path.to_owned(), source };
    let text = std::fs::read(path).map_err(|source| error(source.into()))?;
    let suites: Vec<Suite> = serde_json::from_slice(&text).map_err(|source| error(source.into()))?;
    Ok(suites.into_iter().flat_map(|suite| suite.specs.unwrap_or_default()))
}

/// What became of the spec with this upstream name, by the reports in their order.
pub(crate) fn outcome(reports: impl Iterator<Item = Report>, upstream: &str) -> Outcome {
    let mut before = None;
    for report in reports {
        if report.is(upstream) {
            return match (before, report.state.as_str()) {
                (_, "passed") => Outcome::Passed { took: Duration::from_nanos(report.run_time) },
                // What the filter left out has no failure; what skips itself says why.
                (None, "skipped" | "pending") => {
                    Outcome::SkippedItself { reason: report.failure.unwrap_or_default().message }
                }
                (Some(failure), "skipped" | "pending") => Outcome::NotReached { failure },
                _ => Outcome::Failed(report.into_failure()),
            };
        }
        if !report.is_spec() && !["passed", "skipped"].contains(&report.state.as_str()) {
            before.get_or_insert_with(|| report.into_failure());
        }
    }
    match before {
        Some(failure) => Outcome::NotReached { failure },
        None => Outcome::Unknown,
    }
}

impl Failure {
    /// Of a spec that was interrupted when its time was up.
    pub(crate) fn of_limit(self, limit: Duration) -> Self {
        let message = format!("not done after {} s, its limit: {}", limit.as_secs(), self.message);
        Self { message, ..self }
    }
}

impl Report {
    /// Whether it is about a spec, and not about the suite's set-up.
    pub(crate) fn is_spec(&self) -> bool {
        self.leaf_node_type == "It"
    }

    /// The spec's name: all its texts with a space between.
    pub(crate) fn name(&self) -> String {
        let texts = self.container_hierarchy_texts.iter().flatten().chain([&self.leaf_node_text]);
        texts.map(String::as_str).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// Everything that failed in it, the cause first.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &ReportedFailure> {
        let others = self.additional_failures.iter().flatten().map(|additional| &additional.failure);
        self.failure.iter().chain(others)
    }

    /// Whether it is about the spec of that name, which is all its texts with a space between.
    fn is(&self, upstream: &str) -> bool {
        let texts = self.container_hierarchy_texts.iter().flatten().chain([&self.leaf_node_text]);
        // Texts may end with spaces, and upstream's list has the names with one or two between their parts.
        let words = texts.flat_map(|text| text.split_whitespace());
        self.is_spec() && words.eq(upstream.split_whitespace())
    }

    fn into_failure(self) -> Failure {
        let ReportedFailure { message, forwarded_panic, location, .. } = self.failure.unwrap_or_default();
        let message = if forwarded_panic.is_empty() { message } else { format!("{message}: {forwarded_panic}") };
        Failure {
            message: if message.is_empty() { format!("it {}", self.state) } else { message },
            location: location.to_string(),
            took: Duration::from_nanos(self.run_time),
            namespace: self
                .entries
                .into_iter()
                .flatten()
                .find(|entry| entry.name == "namespace")
                .map(|entry| entry.value.representation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "[sig-node] Pods should work [Conformance]";

    fn suite(before: &str, spec: &str) -> Outcome {
        let text = format!(
            r#"[{{"SuiteSucceeded":false,"SpecReports":[
              {{"ContainerHierarchyTexts":null,"LeafNodeType":"SynchronizedBeforeSuite","State":{before}}},
              {{"ContainerHierarchyTexts":["[sig-node] Pods"],"LeafNodeType":"It","LeafNodeText":"should sleep","State":"skipped"}},
              {{"ContainerHierarchyTexts":["[sig-node] Pods"],"LeafNodeType":"It","LeafNodeText":"should work  [Conformance]","RunTime":1500000000,"State":{spec}}}
            ]}}]"#
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        std::fs::write(&path, text).unwrap();
        read(&path, NAME).unwrap()
    }

    #[test]
    fn a_pass_carries_the_time_that_the_suite_measured() {
        assert_eq!(suite("\"passed\"", "\"passed\""), Outcome::Passed { took: Duration::from_millis(1500) });
    }

    #[test]
    fn a_failure_carries_message_and_place() {
        let failed = r#""failed","Failure":{"Message":"too slow","Location":{"FileName":"a.go","LineNumber":7}}"#;
        let Outcome::Failed(failure) = suite("\"passed\"", failed) else { panic!("it passed") };
        assert_eq!((failure.message.as_str(), failure.location.as_str()), ("too slow", "a.go:7"));
    }

    #[test]
    fn an_entry_names_the_namespace() {
        let failed = r#""failed","ReportEntries":[{"Name":"x","Value":{"AsJSON":"1","Representation":"1"}},
            {"Name":"namespace","Value":{"AsJSON":"\"b-12\"","Representation":"b-12"}}]"#;
        let Outcome::Failed(failure) = suite("\"passed\"", failed) else { panic!("it passed") };
        assert_eq!(failure.namespace.as_deref(), Some("b-12"));
    }

    #[test]
    fn any_other_state_is_a_failure() {
        for state in ["panicked", "interrupted", "aborted", "timedout"] {
            let Outcome::Failed(failure) = suite("\"passed\"", &format!("\"{state}\"")) else { panic!("{state}") };
            assert_eq!(failure.message, format!("it {state}"));
        }
    }

    #[test]
    fn a_spec_that_skips_itself_is_no_pass() {
        let skipped = r#""skipped","Failure":{"Message":"needs Windows"}"#;
        assert_eq!(suite("\"passed\"", skipped), Outcome::SkippedItself { reason: "needs Windows".to_owned() });
    }

    #[test]
    fn what_failed_before_it_is_told() {
        let before = r#""failed","Failure":{"Message":"no nodes"}"#;
        let Outcome::NotReached { failure } = suite(before, "\"skipped\"") else { panic!("it was reached") };
        assert_eq!(failure.message, "no nodes");
    }

    #[test]
    fn another_suite_does_not_know_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        std::fs::write(&path, "[{\"SpecReports\":null}]").unwrap();
        assert_eq!(read(&path, NAME).unwrap(), Outcome::Unknown);
        std::fs::write(&path, "{").unwrap();
        assert!(read(&path, NAME).is_err());
    }
}
