//! Where the streams of a command in a container come from and go to, when they pass through as they come.

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};

/// The streams of a command.
pub struct Streams<'a> {
    /// What it reads; `None` for nothing.
    pub stdin: Option<&'a mut (dyn AsyncRead + Send + Unpin)>,
    /// Where its standard output goes; with a terminal, also its standard error.
    pub stdout: &'a mut (dyn AsyncWrite + Send + Unpin),
    /// Where its standard error goes.
    pub stderr: &'a mut (dyn AsyncWrite + Send + Unpin),
    /// The size of the terminal that it is to have, now and whenever it changes; `None` for no terminal.
    pub terminal: Option<watch::Receiver<TerminalSize>>,
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Its height.
    pub rows: u16,
    /// Its width.
    pub columns: u16,
}
