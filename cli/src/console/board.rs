//! Many things at once: on a terminal a line for each that is under way and one that counts them all; elsewhere the count
//! now and then. What ended is a result, and goes to standard output.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::Console;
use crate::{failure::Failure, output::print};

/// More lines than this do not fit on a small terminal.
const MOST: usize = 12;
/// Without a terminal, every so many things that ended are worth a count.
const COUNT_EVERY: u32 = 10;

/// A display of things that run beside each other.
pub(crate) struct Board<'a> {
    console: &'a Console,
    bars: RefCell<BTreeMap<&'static str, ProgressBar>>,
    count: Option<ProgressBar>,
    ended: Cell<u32>,
}

impl<'a> Board<'a> {
    pub(super) fn new(console: &'a Console) -> Self {
        let count = console.live().map(|live| {
            let bar = live.add(ProgressBar::new_spinner());
            let start = Instant::now();
            let elapsed = move |_: &ProgressState, out: &mut dyn fmt::Write| {
                let seconds = start.elapsed().as_secs();
                let _ = write!(out, "{}:{:02}", seconds / 60, seconds % 60);
            };
            if let Ok(style) = ProgressStyle::with_template("{clock:.dim} {msg}") {
                bar.set_style(style.with_key("clock", elapsed));
            }
            bar.enable_steady_tick(Duration::from_secs(1));
            bar
        });
        Self { console, bars: RefCell::default(), count, ended: Cell::new(0) }
    }

    /// One begins.
    pub(crate) fn began(&self, name: &'static str) {
        let (Some(live), Some(count)) = (self.console.live(), &self.count) else { return };
        let mut bars = self.bars.borrow_mut();
        if bars.len() < MOST {
            let bar = live.insert_before(count, ProgressBar::new_spinner());
            show(&bar, name);
            bars.insert(name, bar);
        }
    }

    /// One ended; this is its result, if it has one.
    pub(crate) fn ended(&self, name: &'static str, result: Option<&str>) -> Result<(), Failure> {
        if let Some(bar) = self.bars.borrow_mut().remove(name) {
            bar.finish_and_clear();
        }
        let Some(result) = result else { return Ok(()) };
        self.ended.set(self.ended.get() + 1);
        match self.console.live() {
            Some(live) => live.suspend(|| print(result)),
            None => print(result),
        }
    }

    /// How it all stands.
    pub(crate) fn count(&self, text: &str) {
        match &self.count {
            Some(bar) => bar.set_message(text.to_owned()),
            None if self.ended.get() > 0 && self.ended.get().is_multiple_of(COUNT_EVERY) => self.console.note(text),
            None => {}
        }
    }
}

/// Shows what is under way and for how long.
fn show(bar: &ProgressBar, name: &str) {
    let seconds = |state: &ProgressState, out: &mut dyn fmt::Write| {
        let _ = write!(out, "{:.1} s", state.elapsed().as_secs_f64());
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {prefix} ({seconds})") {
        bar.set_style(style.with_key("seconds", seconds));
    }
    bar.set_prefix(name.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
}

/// What was under way when the display goes leaves no half lines behind.
impl Drop for Board<'_> {
    fn drop(&mut self) {
        self.bars.borrow().values().for_each(ProgressBar::finish_and_clear);
        if let Some(count) = &self.count {
            count.finish_and_clear();
        }
    }
}
