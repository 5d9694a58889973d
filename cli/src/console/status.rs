//! How much is told, and in which form.

use std::io::{IsTerminal, Write};

use indicatif::MultiProgress;
use tracing::level_filters::LevelFilter;

use super::{
    Board, Steps,
    json::{Line, LogLines},
    report,
    tree::Tree,
};
use crate::{args::ProgressForm, failure::Failure};

/// Standard error of one run.
pub(crate) struct Console {
    quiet: bool,
    verbosity: u8,
    pub(super) form: Form,
}

/// The form of everything on standard error.
pub(super) enum Form {
    /// Lines, and a moving part at the bottom of a terminal.
    Tree(Tree),
    /// Lines.
    Plain,
    /// One JSON object a line.
    Json,
}

impl Console {
    /// Standard error as the user wants it.
    pub(crate) fn new(quiet: bool, verbosity: u8, form: ProgressForm) -> Self {
        // A log between moving lines would tear them.
        let can_move = !quiet && verbosity < 2 && std::io::stderr().is_terminal();
        let form = match form {
            ProgressForm::Json => Form::Json,
            ProgressForm::Auto if can_move => Form::Tree(Tree::new()),
            ProgressForm::Auto | ProgressForm::Plain => Form::Plain,
        };
        Self { quiet, verbosity, form }
    }

    /// Whether only results and errors are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Sends the log to standard error where it is asked for.
    pub(crate) fn install_log(&self) {
        // kube notes every request that fails, ten a second while a cluster is waited for; what is waited for says the same.
        let kube = if self.verbosity < 2 { ",kube_client=off" } else { "" };
        let log = tracing_subscriber::fmt().with_env_filter(format!("{}{kube}", self.level())).with_target(false);
        match &self.form {
            Form::Json => log.with_writer(LogLines::default).with_ansi(false).init(),
            // By itself it would colour a file, too; whether it colours a terminal it takes from `NO_COLOR`.
            _ if std::io::stderr().is_terminal() => log.with_writer(std::io::stderr).init(),
            _ => log.with_writer(std::io::stderr).with_ansi(false).init(),
        }
    }

    /// What of the log is shown.
    fn level(&self) -> LevelFilter {
        match self.verbosity {
            _ if self.quiet => LevelFilter::ERROR,
            0 | 1 => LevelFilter::WARN,
            2 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        }
    }

    /// Says something, unless nothing is to be said.
    pub(crate) fn note(&self, text: &str) {
        if self.quiet {
            return;
        }
        match &self.form {
            Form::Json => Line::Note { text }.print(),
            _ => self.line(text),
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

    /// The moving part of a terminal, where there is one.
    pub(super) fn live(&self) -> Option<&MultiProgress> {
        match &self.form {
            Form::Tree(tree) => Some(tree.screen()),
            Form::Plain | Form::Json => None,
        }
    }

    /// Says what went wrong, quiet or not.
    pub(crate) fn failure(&self, failure: &Failure) {
        let hint = failure.hint();
        match &self.form {
            Form::Json => {
                let causes = report::causes(failure);
                Line::Error { message: failure.to_string(), causes, hint, exit_code: failure.code() }.print();
            }
            _ => self.line(&report::text(failure, hint.as_deref())),
        }
    }

    /// Whether to say what steps wait for, and which nodes they have done.
    pub(super) fn tells_waiting(&self) -> bool {
        self.verbosity > 0 && !self.quiet
    }

    /// Prints an event, unless nothing is to be said.
    pub(super) fn event(&self, line: &Line<'_>) {
        if !self.quiet {
            line.print();
        }
    }

    fn line(&self, text: &str) {
        match &self.form {
            Form::Tree(tree) => tree.above(|| write(text)),
            _ => write(text),
        }
    }
}

/// Where even standard error is gone, there is nobody to tell.
pub(super) fn write(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_of_verbosity_shows_more() {
        let at = |quiet, verbosity| Console::new(quiet, verbosity, ProgressForm::Plain);
        let shown = |console: Console| (console.tells_waiting(), console.level());
        assert_eq!(shown(at(false, 0)), (false, LevelFilter::WARN));
        assert_eq!(shown(at(false, 1)), (true, LevelFilter::WARN));
        assert_eq!(shown(at(false, 2)), (true, LevelFilter::DEBUG));
        assert_eq!(shown(at(false, 3)), (true, LevelFilter::TRACE));
        assert_eq!(shown(at(true, 3)), (false, LevelFilter::ERROR));
    }
}
