//! Steps under way: on a terminal a live tree, elsewhere a line when a step begins and when it ends, or JSON.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use kind_core::provision::{Event, Progress};

use super::{
    Console,
    json::Line,
    status::Form,
    tree::{End, seconds},
};

/// The least time between two lines about one step, for who wants to know all, and for who does not.
const SELDOM: Duration = Duration::from_secs(2);
const RARELY: Duration = Duration::from_secs(10);

/// A display of steps.
pub(crate) struct Steps<'a> {
    console: &'a Console,
    waiting: Mutex<BTreeMap<String, (String, Instant)>>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(console: &'a Console) -> Self {
        Self { console, waiting: Mutex::default() }
    }

    /// A step begins.
    pub(crate) fn started(&self, step: &str) {
        match &self.console.form {
            Form::Tree(tree) => tree.start(step),
            Form::Plain => self.console.note(&format!("  {step} ...")),
            Form::Json => self.console.event(&Line::StepStarted { step }),
        }
    }

    /// A step goes on, and this is what it is about.
    pub(crate) fn waiting(&self, step: &str, status: &str) {
        match &self.console.form {
            Form::Tree(tree) => tree.status(step, status),
            Form::Plain if self.console.tells_waiting() => self.tell(step, status, SELDOM),
            Form::Json if self.is_news(step, status, SELDOM) => {
                self.console.event(&Line::StepWaiting { step, status });
            }
            Form::Plain | Form::Json => {}
        }
    }

    /// An image is on its way: that takes minutes, so a log is told of it, too.
    pub(crate) fn pulling(&self, step: &str, status: &str) {
        match &self.console.form {
            Form::Plain if !self.console.tells_waiting() => self.tell(step, status, RARELY),
            _ => self.waiting(step, status),
        }
    }

    fn tell(&self, step: &str, status: &str, pace: Duration) {
        if self.is_news(step, status, pace) {
            self.console.note(&format!("    {step}: {}", status.lines().next().unwrap_or_default()));
        }
    }

    /// A step ended well.
    pub(crate) fn finished(&self, step: &str, elapsed: Duration) {
        let line = Line::StepFinished { step, seconds: elapsed.as_secs_f64() };
        self.ended('✓', step, &seconds(elapsed), &line);
    }

    /// A step failed.
    pub(crate) fn failed(&self, step: &str, elapsed: Duration) {
        let line = Line::StepFailed { step, seconds: elapsed.as_secs_f64() };
        self.ended('✗', step, &format!("failed after {}", seconds(elapsed)), &line);
    }

    /// A step had nothing to do.
    pub(crate) fn skipped(&self, step: &str) {
        self.ended('✓', step, "there already", &Line::StepSkipped { step });
    }

    /// A step begins its work on a node.
    fn node_started(&self, step: &str, node: &str) {
        match &self.console.form {
            Form::Tree(tree) => tree.start_node(step, node),
            Form::Plain => {}
            Form::Json => self.console.event(&Line::NodeStarted { step, node }),
        }
    }

    /// A step's work on a node is over. That it failed is always told: the step's own line does not name the node.
    fn node_ended(&self, step: &str, node: &str, end: End, elapsed: Duration) {
        let words = || match end {
            End::Well => format!("    {step}: {node} ({})", seconds(elapsed)),
            End::Badly => format!("    ✗ {step}: {node} (failed after {})", seconds(elapsed)),
        };
        let is_told = end == End::Badly || self.console.tells_waiting();
        match &self.console.form {
            Form::Tree(tree) => {
                tree.end_node(step, node, end, elapsed);
                if end == End::Badly {
                    self.console.note(&words());
                }
            }
            Form::Plain if is_told => self.console.note(&words()),
            Form::Plain => {}
            Form::Json => {
                let seconds = elapsed.as_secs_f64();
                self.console.event(&match end {
                    End::Well => Line::NodeFinished { step, node, seconds },
                    End::Badly => Line::NodeFailed { step, node, seconds },
                });
            }
        }
    }

    /// Runs something as a step.
    pub(crate) async fn during<T, E>(&self, step: &str, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.started(step);
        let start = Instant::now();
        let outcome = work.await;
        match &outcome {
            Ok(_) => self.finished(step, start.elapsed()),
            Err(_) => self.failed(step, start.elapsed()),
        }
        outcome
    }

    fn ended(&self, sign: char, step: &str, how: &str, line: &Line<'_>) {
        match &self.console.form {
            Form::Json => return self.console.event(line),
            Form::Tree(tree) => tree.end(step),
            Form::Plain => {}
        }
        self.console.note(&format!("{sign} {step} ({how})"));
    }

    /// The same words again and again are no news, nor is one that comes a moment after another.
    fn is_news(&self, step: &str, status: &str, pace: Duration) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let told = waiting.get(step);
        let news = told.is_none_or(|(last, when)| last != status && when.elapsed() > pace);
        if news {
            waiting.insert(step.to_owned(), (status.to_owned(), Instant::now()));
        }
        news
    }
}

/// What was under way when the display goes leaves no half lines behind.
impl Drop for Steps<'_> {
    fn drop(&mut self) {
        if let Form::Tree(tree) = &self.console.form {
            tree.clear();
        }
    }
}

impl Progress for Steps<'_> {
    fn event(&self, event: Event) {
        match event {
            Event::Started { step } => self.started(step),
            Event::NodeStarted { step, node } => self.node_started(step, node.as_str()),
            Event::NodeFinished { step, node, elapsed } => self.node_ended(step, node.as_str(), End::Well, elapsed),
            Event::NodeFailed { step, node, elapsed } => self.node_ended(step, node.as_str(), End::Badly, elapsed),
            Event::Waiting { step, status } => self.waiting(step, &status),
            Event::Finished { step, elapsed } => self.finished(step, elapsed),
            Event::Failed { step, elapsed } => self.failed(step, elapsed),
        }
    }
}

impl kind_images::Progress for Steps<'_> {
    fn started(&self, step: kind_images::Step) {
        Steps::started(self, &step.to_string());
    }

    fn finished(&self, step: kind_images::Step, elapsed: Duration) {
        Steps::finished(self, &step.to_string(), elapsed);
    }

    fn skipped(&self, step: kind_images::Step) {
        Steps::skipped(self, &step.to_string());
    }

    fn line(&self, step: kind_images::Step, text: &str) {
        Steps::waiting(self, &step.to_string(), text);
    }

    fn note(&self, text: &str) {
        self.console.note(text);
    }
}
