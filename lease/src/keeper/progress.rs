//! Bring-up's progress, into the state file for those who wait and into the log.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use kind_core::provision::{Event, Progress};
use kind_report::ClusterEvent;

use super::Journal;
use crate::{
    folder::Folder,
    state::{Report, State},
};

/// The least time between two notes of what a step waits for; beginnings and ends are always noted.
const PACE: Duration = Duration::from_secs(1);

/// Writes what happens.
pub(super) struct Noting<'a> {
    folder: &'a Folder,
    journal: &'a Journal,
    steps: Mutex<Steps>,
}

struct Steps {
    report: Report,
    running: Vec<(&'static str, Option<String>)>,
    written: Instant,
}

impl<'a> Noting<'a> {
    /// `report` is the state that the file has now.
    pub(super) fn new(folder: &'a Folder, journal: &'a Journal, report: Report) -> Self {
        let steps = Steps { report, running: Vec::new(), written: Instant::now() };
        Self { folder, journal, steps: Mutex::new(steps) }
    }
}

impl Progress for Noting<'_> {
    fn event(&self, event: Event) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Started { step } => {
                self.journal.line(format_args!("{step}: started"));
                self.journal.chronicle.note(&ClusterEvent::StepBegan { step: step.to_owned() });
                steps.running.push((step, None));
            }
            Event::Waiting { step, status } => {
                steps.running.iter_mut().filter(|(name, _)| *name == step).for_each(|(_, last)| {
                    *last = Some(status.clone());
                });
                if steps.written.elapsed() < PACE {
                    return;
                }
            }
            Event::NodeStarted { .. } | Event::NodeFinished { .. } | Event::NodeFailed { .. } => return,
            Event::Finished { step, elapsed } => {
                self.journal.line(format_args!("{step}: done after {:.1} s", elapsed.as_secs_f64()));
                self.journal.chronicle.note(&ClusterEvent::StepEnded { step: step.to_owned(), well: true });
                steps.running.retain(|(name, _)| *name != step);
            }
            Event::Failed { step, elapsed } => {
                self.journal.line(format_args!("{step}: failed after {:.1} s", elapsed.as_secs_f64()));
                self.journal.chronicle.note(&ClusterEvent::StepEnded { step: step.to_owned(), well: false });
                steps.running.retain(|(name, _)| *name != step);
            }
        }
        if steps.running.is_empty() {
            return;
        }
        steps.report.state = State::Creating { step: words(&steps.running) };
        steps.written = Instant::now();
        // Who waits sees an older step then; what matters is told with an error when the bring-up is over.
        let _ = self.folder.write_report(&steps.report);
    }
}

fn words(running: &[(&'static str, Option<String>)]) -> String {
    let one = |(step, status): &(&str, Option<String>)| match status {
        Some(status) => format!("step `{step}` ({status})"),
        None => format!("step `{step}`"),
    };
    running.iter().map(one).collect::<Vec<_>>().join(" and ")
}
