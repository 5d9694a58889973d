//! Steps under way: on a terminal a live list with elapsed times, elsewhere a line when a step begins and when it ends.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::Console;

/// How often the moving part moves.
const TICK: Duration = Duration::from_millis(100);

/// A display of steps.
pub(crate) struct Steps<'a> {
    console: &'a Console,
    bars: Mutex<BTreeMap<String, ProgressBar>>,
    waiting: Mutex<BTreeMap<String, (String, Instant)>>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(console: &'a Console) -> Self {
        Self { console, bars: Mutex::default(), waiting: Mutex::default() }
    }

    /// A step begins.
    pub(crate) fn started(&self, step: &str) {
        match &self.console.live {
            Some(live) => {
                let bar = new_bar(live, step);
                self.with_bars(|bars| bars.insert(step.to_owned(), bar));
            }
            None => self.console.note(&format!("  {step} ...")),
        }
    }

    /// A step goes on, and this is what it is about.
    pub(crate) fn waiting(&self, step: &str, status: &str) {
        self.with_bars(|bars| {
            if let Some(bar) = bars.get(step) {
                bar.set_message(first_line(status));
            }
        });
        if self.console.live.is_none() && self.console.tells_waiting() && self.is_news(step, status) {
            self.console.note(&format!("    {step}: {}", first_line(status)));
        }
    }

    /// A step ended well.
    pub(crate) fn finished(&self, step: &str, elapsed: Duration) {
        self.ended('✓', step, &format!("{:.1} s", elapsed.as_secs_f64()));
    }

    /// A step failed.
    pub(crate) fn failed(&self, step: &str, elapsed: Duration) {
        self.ended('✗', step, &format!("failed after {:.1} s", elapsed.as_secs_f64()));
    }

    /// A step had nothing to do.
    pub(crate) fn skipped(&self, step: &str) {
        self.ended('✓', step, "there already");
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

    fn ended(&self, sign: char, step: &str, how: &str) {
        if let Some(bar) = self.with_bars(|bars| bars.remove(step)) {
            bar.finish_and_clear();
        }
        self.console.note(&format!("{sign} {step} ({how})"));
    }

    /// The same words again and again are no news, nor is one that comes a moment after another.
    fn is_news(&self, step: &str, status: &str) -> bool {
        const SELDOM: Duration = Duration::from_secs(2);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let told = waiting.get(step);
        let news = told.is_none_or(|(last, when)| last != status && when.elapsed() > SELDOM);
        if news {
            waiting.insert(step.to_owned(), (status.to_owned(), Instant::now()));
        }
        news
    }

    fn with_bars<T>(&self, act: impl FnOnce(&mut BTreeMap<String, ProgressBar>) -> T) -> T {
        act(&mut self.bars.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What was under way when the display goes leaves no half lines behind.
impl Drop for Steps<'_> {
    fn drop(&mut self) {
        self.with_bars(|bars| bars.values().for_each(ProgressBar::finish_and_clear));
    }
}

fn new_bar(live: &MultiProgress, step: &str) -> ProgressBar {
    let bar = live.add(ProgressBar::new_spinner());
    show(&bar, step);
    bar
}

/// Shows what is under way and for how long.
pub(super) fn show(bar: &ProgressBar, name: &str) {
    let seconds = |state: &ProgressState, out: &mut dyn fmt::Write| {
        let _ = write!(out, "{:.1} s", state.elapsed().as_secs_f64());
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {prefix} ({seconds}) {wide_msg:.dim}") {
        bar.set_style(style.with_key("seconds", seconds));
    }
    bar.set_prefix(name.to_owned());
    bar.enable_steady_tick(TICK);
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

impl kind_harness::provision::Progress for Steps<'_> {
    fn event(&self, event: kind_harness::provision::Event) {
        use kind_harness::provision::Event;
        match event {
            Event::Started { step } => self.started(step),
            Event::Waiting { step, status } => self.waiting(step, &status),
            Event::Finished { step, elapsed } => self.finished(step, elapsed),
            Event::Failed { step, elapsed } => self.failed(step, elapsed),
            _ => {}
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
}
