//! How much is told, and in which form.

use std::io::{IsTerminal, Write};

use indicatif::MultiProgress;
use tracing::level_filters::LevelFilter;

use super::{Board, Steps, report};
use crate::failure::Failure;

/// Standard error of one run.
pub(crate) struct Console {
    quiet: bool,
    verbosity: u8,
    /// The moving part at the bottom of a terminal; `None` elsewhere.
    pub(super) live: Option<MultiProgress>,
}

impl Console {
    /// Standard error as the user wants it.
    pub(crate) fn new(quiet: bool, verbosity: u8) -> Self {
        // A log between moving lines would tear them.
        let live = !quiet && verbosity < 2 && std::io::stderr().is_terminal();
        Self { quiet, verbosity, live: live.then(MultiProgress::new) }
    }

    /// Whether only results and errors are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Sends the log to standard error where it is asked for.
    pub(crate) fn install_log(&self) {
        let level = match self.verbosity {
            _ if self.quiet => LevelFilter::ERROR,
            0 | 1 => LevelFilter::WARN,
            2 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        let log = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false);
        // By itself it would colour a file, too; whether it colours a terminal it takes from `NO_COLOR`.
        if std::io::stderr().is_terminal() { log.init() } else { log.with_ansi(false).init() }
    }

    /// Says something, unless nothing is to be said.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// Shows steps as they begin and end.
    pub(crate) fn steps(&self) -> Steps<'_> {
        Steps::new(self)
    }

    /// Shows many things beside each other as they begin and end.
    pub(crate) fn board(&self) -> Board<'_> {
        Board::new(self)
    }

    /// Says what went wrong, quiet or not.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.line(&report::text(failure, failure.hint().as_deref()));
    }

    /// Whether to say what steps wait for.
    pub(super) fn tells_waiting(&self) -> bool {
        self.verbosity > 0 && !self.quiet
    }

    fn line(&self, text: &str) {
        match &self.live {
            Some(live) => live.suspend(|| write(text)),
            None => write(text),
        }
    }
}

/// Where even standard error is gone, there is nobody to tell.
fn write(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
