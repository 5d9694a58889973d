//! What a person sees: headings, and long steps with their elapsed time. A spinner on a terminal; elsewhere a line when a
//! step begins, one every 15 s, and one when it ends.
//!
//! Everything goes to standard error, so that tables and references on standard output can be piped.

use std::{
    io::{self, IsTerminal},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;

use crate::wait;

/// How often a step speaks up where there is no terminal.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// Writes to the person who started us.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    terminal: bool,
}

/// A long step that is under way. Dropped without [`Step::done`], it is shown as failed.
#[derive(Debug)]
pub struct Step {
    name: String,
    started: Instant,
    detail: Arc<Mutex<String>>,
    shown_by: Shown,
    ended: bool,
}

#[derive(Debug)]
enum Shown {
    Spinner(ProgressBar),
    Lines(JoinHandle<()>),
}

impl Ui {
    /// Looks whether standard error is a terminal.
    pub fn of_this_process() -> Self {
        Self { terminal: io::stderr().is_terminal() }
    }

    /// A heading.
    pub fn heading(self, text: &str) {
        let (bold, plain) = if self.terminal { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        eprintln!("\n{bold}== {text}{plain}");
    }

    /// A line of text.
    pub fn line(self, text: &str) {
        eprintln!("   {text}");
    }

    /// Begins a long step. Must be called within the tokio runtime.
    pub fn step(self, name: impl Into<String>) -> Step {
        let name = name.into();
        let started = Instant::now();
        let detail = Arc::new(Mutex::new(String::new()));
        let shown_by = if self.terminal {
            Shown::Spinner(spinner(&name))
        } else {
            eprintln!("   {name} …");
            Shown::Lines(tokio::spawn(signs_of_life(name.clone(), started, Arc::clone(&detail))))
        };
        Step { name, started, detail, shown_by, ended: false }
    }
}

impl Step {
    /// Says what the step is busy with.
    pub fn detail(&self, text: &str) {
        text.clone_into(&mut self.detail.lock().unwrap_or_else(PoisonError::into_inner));
        if let Shown::Spinner(bar) = &self.shown_by {
            bar.set_message(short(text));
        }
    }

    /// Ends the step well.
    pub fn done(mut self) {
        self.end("✓");
    }

    /// Ends a step that was only an attempt: without it, things go on in another way.
    pub fn given_up(mut self) {
        self.end("-");
    }

    fn end(&mut self, sign: &str) {
        self.ended = true;
        match &self.shown_by {
            Shown::Spinner(bar) => bar.finish_and_clear(),
            Shown::Lines(task) => task.abort(),
        }
        eprintln!(" {sign} {} ({})", self.name, seconds(self.started.elapsed()));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.ended {
            self.end("✗");
        }
    }
}

fn spinner(name: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_prefix(name.to_owned());
    if let Ok(style) = ProgressStyle::with_template(" {spinner} {prefix} {elapsed} {msg:.dim}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

async fn signs_of_life(name: String, started: Instant, detail: Arc<Mutex<String>>) {
    wait::tick(SIGN_OF_LIFE, || {
        let detail = detail.lock().unwrap_or_else(PoisonError::into_inner);
        let detail = if detail.is_empty() { String::new() } else { format!(": {}", short(&detail)) };
        eprintln!("   {name} … {}{detail}", seconds(started.elapsed()));
    })
    .await;
}

/// What fits on a line beside the step's name.
fn short(text: &str) -> String {
    const LONGEST: usize = 80;
    let line = text.trim().lines().next_back().unwrap_or_default();
    let mut cut: String = line.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if cut.chars().count() < line.chars().count() {
        cut.push('…');
    }
    cut
}

/// A duration as a person reads it.
pub fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    match whole {
        0..=9 => format!("{:.1} s", duration.as_secs_f64()),
        10..=119 => format!("{whole} s"),
        _ => format!("{} min {:02} s", whole / 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        assert_eq!(seconds(Duration::from_millis(340)), "0.3 s");
        assert_eq!(seconds(Duration::from_secs(75)), "75 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 05 s");
    }

    #[test]
    fn details_are_one_short_printable_line() {
        assert_eq!(short("first\nlast\n"), "last");
        assert_eq!(short(&"x".repeat(200)).chars().count(), 81);
        assert!(!short("\x1b[31mred").contains('\x1b'));
    }
}
