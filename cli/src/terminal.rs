//! The terminal that the program runs in: its size, and lending it to a command in a node.

use std::io::{self, IsTerminal as _};

use kind_engine::TerminalSize;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::failure::Failure;

/// The width of the terminal that standard output goes to, where it goes to one.
pub(crate) fn output_width() -> Option<usize> {
    let width = tcgetwinsize(io::stdout()).ok()?.ws_col;
    (width > 0).then_some(usize::from(width))
}

/// The width of the terminal that standard error goes to; of one that does not know it, the usual one.
pub(crate) fn error_width() -> usize {
    tcgetwinsize(io::stderr()).ok().map(|size| usize::from(size.ws_col)).filter(|width| *width > 0).unwrap_or(80)
}

/// Whether a command can be given the terminal: all three streams are one.
pub(crate) fn is_whole() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal()
}

/// The terminal passes every key on and prints every byte as it comes, until this is given back.
pub(crate) struct Lent {
    before: Termios,
}

impl Lent {
    /// Lends it.
    pub(crate) fn new() -> Result<Self, Failure> {
        let set = || {
            let before = tcgetattr(io::stdin())?;
            let mut raw = before.clone();
            raw.make_raw();
            tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
            Ok::<_, rustix::io::Errno>(Self { before })
        };
        set().map_err(|error| Failure::Terminal(error.into()))
    }

    /// Gives it back; so does dropping it, but that cannot say that it failed.
    pub(crate) fn give_back(self) -> Result<(), Failure> {
        self.restore().map_err(|error| Failure::Terminal(error.into()))
    }

    fn restore(&self) -> rustix::io::Result<()> {
        tcsetattr(io::stdin(), OptionalActions::Now, &self.before)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Also where it was given back already: a second time does no harm.
        let _ = self.restore();
    }
}

/// The terminal's size, now and whenever it changes.
pub(crate) fn sizes() -> Result<watch::Receiver<TerminalSize>, Failure> {
    let mut changes = signal(SignalKind::window_change()).map_err(Failure::Terminal)?;
    let (sender, receiver) = watch::channel(size()?);
    tokio::spawn(async move {
        while changes.recv().await.is_some() {
            let Ok(size) = size() else { return };
            if sender.send(size).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

fn size() -> Result<TerminalSize, Failure> {
    let size = tcgetwinsize(io::stdout()).map_err(|error| Failure::Terminal(error.into()))?;
    Ok(TerminalSize { rows: size.ws_row, columns: size.ws_col })
}
