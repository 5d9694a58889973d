//! What a spec said, as a text: the form of ginkgo's own output, for the processes that only report. Pure functions.

use std::fmt::Write as _;

use crate::{
    log::SEPARATOR,
    report::{Event, Location, Progress, Report},
};

/// The kind of event that `By` makes.
const STEP: &str = "By";

impl Report {
    /// All of it, between two separators.
    pub(crate) fn transcript(&self) -> String {
        let mut text = format!("{SEPARATOR}\n{}\n{}\n", self.title(), self.leaf_node_location);
        for line in self.timeline().lines() {
            let _ = writeln!(text, "  {line}");
        }
        if !self.captured_std_out_err.is_empty() {
            let _ = writeln!(text, "\nStandard output and error:\n{}", self.captured_std_out_err.trim_end());
        }
        for failure in self.failures() {
            let _ = writeln!(text, "\n[{}] {}\nat {}", self.state.to_uppercase(), failure.message, failure.location);
            if let Some(progress) = &failure.progress_report {
                text += &whereabouts(progress);
            }
        }
        let seconds = std::time::Duration::from_nanos(self.run_time).as_secs_f64();
        let _ = writeln!(text, "\n[{}] [{seconds:.3} seconds]\n{SEPARATOR}", self.state.to_uppercase());
        text
    }

    fn title(&self) -> String {
        if self.is_spec() { self.name() } else { format!("[{}]", self.leaf_node_type) }
    }

    /// What it printed, with its steps where they came.
    fn timeline(&self) -> String {
        let printed = &self.captured_ginkgo_writer_output;
        let (mut text, mut done) = (String::new(), 0);
        for step in self.spec_events.iter().flatten().filter(|event| event.spec_event_type == STEP) {
            let Event { message, code_location, timeline_location, .. } = step;
            // Between two lines and never within a character.
            let at = timeline_location.offset.clamp(done, printed.len());
            let at = (done..=at).rev().find(|at| printed.is_char_boundary(*at)).unwrap_or(done);
            text += &printed[done..at];
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            let _ = writeln!(text, "STEP: {message} - {code_location} @ {}", timeline_location.time);
            done = at;
        }
        text + &printed[done..]
    }
}

/// Where it was when it was interrupted.
fn whereabouts(progress: &Progress) -> String {
    let mut text = String::new();
    if !progress.current_step_text.is_empty() {
        let _ = writeln!(text, "in step: {} - {}", progress.current_step_text, progress.current_step_location);
    }
    for goroutine in progress.goroutines.iter().flatten().filter(|goroutine| goroutine.is_of_spec) {
        let _ = writeln!(text, "the spec's goroutine [{}]", goroutine.state);
        for call in goroutine.stack.iter().flatten() {
            let place = Location { file_name: call.filename.clone(), line_number: call.line };
            let _ = writeln!(text, "  {}\n    {place}", call.function);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::log::own_lines;

    fn report(of: &serde_json::Value) -> Report {
        serde_json::from_value(of.clone()).unwrap()
    }

    #[test]
    fn steps_come_where_they_came() {
        let said = report(&json!({
            "ContainerHierarchyTexts": ["[sig-a] B"], "LeafNodeText": "works", "LeafNodeType": "It", "State": "failed",
            "LeafNodeLocation": {"FileName": "a.go", "LineNumber": 7}, "RunTime": 1_500_000_000_u64,
            "CapturedGinkgoWriterOutput": "first\nsecond\n", "CapturedStdOutErr": "of kubectl",
            "SpecEvents": [
                {"SpecEventType": "Node", "TimelineLocation": {"Time": "0"}, "CodeLocation": {}},
                {"SpecEventType": "By", "Message": "one", "TimelineLocation": {"Time": "1"}, "CodeLocation": {"FileName": "b.go", "LineNumber": 8}},
                {"SpecEventType": "By", "Message": "two", "TimelineLocation": {"Offset": 6, "Time": "2"}, "CodeLocation": {"FileName": "b.go", "LineNumber": 9}},
            ],
            "Failure": {"Message": "too slow", "Location": {"FileName": "c.go", "LineNumber": 3}},
        }));
        let expected = "------------------------------\n[sig-a] B works\na.go:7\n  STEP: one - b.go:8 @ 1\n  first\n  \
            STEP: two - b.go:9 @ 2\n  second\n\nStandard output and error:\nof kubectl\n\n[FAILED] too slow\nat c.go:3\n\n\
            [FAILED] [1.500 seconds]\n------------------------------\n";
        assert_eq!(said.transcript(), expected);
        assert!(own_lines(&said.transcript(), "[sig-a]  B works").starts_with("[sig-a] B works\na.go:7"));
    }

    #[test]
    fn an_interrupted_spec_says_where_it_was() {
        let said = report(&json!({
            "ContainerHierarchyTexts": null, "LeafNodeText": "waits", "LeafNodeType": "It", "State": "interrupted",
            "Failure": {"Message": "", "Location": {}, "ProgressReport": {
                "CurrentStepText": "wait", "CurrentStepLocation": {"FileName": "a.go", "LineNumber": 1},
                "Goroutines": [
                    {"State": "running", "IsSpecGoroutine": false, "Stack": [{"Function": "other", "Filename": "o.go", "Line": 1}]},
                    {"State": "select", "IsSpecGoroutine": true, "Stack": [{"Function": "waits", "Filename": "a.go", "Line": 2}]},
                ]}},
        }));
        let text = said.transcript();
        assert!(
            text.contains("in step: wait - a.go:1\nthe spec's goroutine [select]\n  waits\n    a.go:2\n"),
            "{text}"
        );
        assert!(!text.contains("other"), "{text}");
    }

    #[test]
    fn offsets_that_cannot_be_are_put_right() {
        let said = report(&json!({
            "LeafNodeType": "BeforeSuite", "State": "passed", "CapturedGinkgoWriterOutput": "ä",
            "SpecEvents": [
                {"SpecEventType": "By", "Message": "one", "TimelineLocation": {"Offset": 1, "Time": ""}, "CodeLocation": {}},
                {"SpecEventType": "By", "Message": "two", "TimelineLocation": {"Offset": 99, "Time": ""}, "CodeLocation": {}},
            ],
        }));
        assert!(said.transcript().starts_with("------------------------------\n[BeforeSuite]\n"));
        assert!(said.timeline().contains("one") && said.timeline().contains("ä\nSTEP: two"), "{}", said.timeline());
    }
}
