//! What happens as JSON, one object a line: for programs that watch a command (docs/command-line.md).

use std::{io, mem};

use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Something that happened. Names and fields stay as they are: programs read them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(super) enum Line<'a> {
    StepStarted { step: &'a str },
    StepWaiting { step: &'a str, status: &'a str },
    StepFinished { step: &'a str, seconds: f64 },
    StepFailed { step: &'a str, seconds: f64 },
    StepSkipped { step: &'a str },
    NodeStarted { step: &'a str, node: &'a str },
    NodeFinished { step: &'a str, node: &'a str, seconds: f64 },
    NodeFailed { step: &'a str, node: &'a str, seconds: f64 },
    Note { text: &'a str },
    Log { text: &'a str },
    Error { message: String, causes: Vec<String>, hint: Option<String>, exit_code: u8 },
}

/// A line and its time.
#[derive(Serialize)]
struct Stamped<'a> {
    at: Option<String>,
    #[serde(flatten)]
    line: &'a Line<'a>,
}

impl Line<'_> {
    /// The line, without its end.
    pub(super) fn text(&self, now: OffsetDateTime) -> String {
        let at = now.replace_nanosecond(now.nanosecond() / 1_000_000 * 1_000_000).unwrap_or(now).format(&Rfc3339).ok();
        serde_json::to_string(&Stamped { at, line: self }).expect("text and numbers are JSON")
    }

    pub(super) fn print(&self) {
        super::status::write(&self.text(OffsetDateTime::now_utc()));
    }
}

/// The log's lines, each as an object of its own.
#[derive(Debug, Default)]
pub(super) struct LogLines(Vec<u8>);

impl io::Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = mem::take(&mut self.0);
        String::from_utf8_lossy(&bytes).lines().for_each(|text| Line::Log { text }.print());
        Ok(())
    }
}

/// The log makes one of these for every message.
impl Drop for LogLines {
    fn drop(&mut self) {
        // It cannot fail: what cannot be printed is left out.
        let _ = io::Write::flush(self);
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn golden() {
        let (step, node) = ("join the nodes", "demo-worker");
        let causes = vec!["no route to host".to_owned()];
        let lines = [
            Line::StepStarted { step },
            Line::NodeStarted { step, node },
            Line::StepWaiting { step, status: "\"one\" of\ntwo" },
            Line::NodeFinished { step, node, seconds: 1.5 },
            Line::NodeFailed { step, node, seconds: 1.5 },
            Line::StepFinished { step, seconds: 12.25 },
            Line::StepFailed { step, seconds: 0.0 },
            Line::StepSkipped { step },
            Line::Note { text: "creating cluster demo" },
            Line::Log { text: "WARN x" },
            Line::Error { message: "create cluster demo".to_owned(), causes, hint: None, exit_code: 7 },
        ];
        let now = datetime!(2030-01-02 03:04:05.678901 UTC);
        let text: String = lines.iter().map(|line| line.text(now) + "\n").collect();
        kind_testkit::assert_golden("tests/golden/events.jsonl", &text);
    }
}
