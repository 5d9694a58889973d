//! What is recorded while a run goes on: events of a test and of a cluster, one line of JSON each.
//!
//! A line is whole or it is not counted: whoever writes it may be killed at any byte.

use kind_core::{access::Access, process::ProcessId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The version of all records. Lines of another one are counted and left out.
pub(crate) const FORMAT: u32 = 1;

/// One event and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line<E> {
    /// [`FORMAT`].
    pub format: u32,
    /// Milliseconds since 1970.
    pub at: u64,
    /// What happened.
    pub event: E,
}

/// What happens in one attempt of a test, in this order. A test that is killed leaves the beginning of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TestEvent {
    /// It asks for a cluster.
    Began(Subject),
    /// It has one.
    Attached(ClusterFacts),
    /// Its body begins.
    Running {
        /// The test's own namespace, where it has one.
        namespace: Option<String>,
    },
    /// How it ended is known; looking at what it left and cleaning up follow.
    Judged {
        /// How.
        outcome: Outcome,
        /// Why, where it did not pass.
        reason: Option<String>,
    },
    /// Nothing of it is left to do.
    Done,
}

/// Which test asks, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The package.
    pub package: String,
    /// The test's full name.
    pub test: String,
    /// Which try this is, counted from 1.
    pub attempt: u32,
    /// How it uses the cluster.
    pub access: Access,
    /// The shape it asks for; `None` where its specification is wrong.
    pub shape: Option<ShapeFacts>,
    /// The folder below the artifacts for what it leaves.
    pub folder: String,
    /// Its process.
    pub process: ProcessId,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it should.
    Passed,
    /// Not so.
    Failed,
    /// It did not run.
    Skipped,
}

/// A shape, as far as it matters to tell two apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShapeFacts {
    /// A digest of all of it.
    pub digest: String,
    /// How many control planes and workers it has, in words.
    pub label: String,
}

/// What a reader wants to know of a cluster that is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterFacts {
    /// Its name.
    pub name: String,
    /// The node image's reference.
    pub image: String,
    /// The Kubernetes version.
    pub version: String,
    /// How many control planes and workers it has, in words.
    pub label: String,
}

/// What happens to a cluster. Only its keeper writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterEvent {
    /// A keeper is at work.
    Ordered(Ordered),
    /// A bring-up begins.
    Creating {
        /// Counted from 1.
        attempt: u32,
    },
    /// A step of it begins.
    StepBegan {
        /// The step's name.
        step: String,
    },
    /// A step of it ended.
    StepEnded {
        /// The step's name.
        step: String,
        /// Whether it ended well.
        well: bool,
    },
    /// The cluster can be used.
    Ready(ClusterFacts),
    /// The bring-up failed.
    Failed {
        /// Why.
        error: String,
    },
    /// It was looked at, after a test that had it for itself or after the engine was restarted, and is well.
    Checked,
    /// Nobody has used it for a while, and it is frozen until somebody does.
    Paused,
    /// It cannot be used any more and is made anew.
    Broken {
        /// Why.
        why: String,
    },
    /// Nobody wants it any more.
    Closing {
        /// Why.
        why: String,
    },
    /// It stays for a look.
    Kept {
        /// Because of these tests.
        tests: Vec<String>,
    },
    /// Nothing of it is there any more.
    Removed,
    /// It could not be removed.
    Left {
        /// Why.
        why: String,
    },
}

/// What a keeper was told to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// The cluster's name.
    pub cluster: String,
    /// Its shape.
    pub shape: ShapeFacts,
    /// The node image that was asked for.
    pub image: String,
    /// Who shares it; the user, or one run.
    pub scope: String,
    /// Whether it outlives the run, and then after how many seconds without use it goes.
    pub idle: Option<u64>,
    /// The keeper.
    pub keeper: ProcessId,
}

/// What is known of a run as soon as its first test begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// [`FORMAT`].
    pub format: u32,
    /// When the first test began, in milliseconds since 1970.
    pub began: u64,
    /// The run, in words.
    pub run: String,
    /// The process whose end is the end of the run.
    pub owner: ProcessId,
    /// The harness' version.
    pub harness: String,
    /// The settings that are not the default ones.
    pub settings: Vec<(String, String)>,
}

/// Where the run took place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// The operating system, in words.
    pub system: String,
    /// The container engine, in words, or why there is none.
    pub engine: String,
}

/// Reads lines, and says how many could not be read. What follows the last newline was cut off by a kill.
pub(crate) fn read_lines<E: DeserializeOwned>(text: &str) -> (Vec<Line<E>>, usize) {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let mut unread = 0;
    let mut lines = Vec::new();
    for line in whole.lines().filter(|line| !line.is_empty()) {
        match serde_json::from_str::<Line<E>>(line) {
            Ok(line) if line.format == FORMAT => lines.push(line),
            _ => unread += 1,
        }
    }
    (lines, unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_back_and_a_torn_one_does_not_count() {
        let line = Line { format: FORMAT, at: 7, event: TestEvent::Running { namespace: Some("orders".to_owned()) } };
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(read_lines(&format!("{text}\n{}", &text[..20])), (vec![line], 0));
        assert_eq!(read_lines::<TestEvent>("").0, []);
    }

    #[test]
    fn rubbish_and_other_versions_are_counted() {
        let text =
            "{\"format\":2,\"at\":1,\"event\":\"done\"}\nrubbish\n\n{\"format\":1,\"at\":1,\"event\":\"done\"}\n";
        let (lines, unread) = read_lines::<TestEvent>(text);
        assert_eq!((lines.len(), unread), (1, 2));
    }
}
