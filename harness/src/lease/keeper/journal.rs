//! The keeper's log: one line for each thing it does, with the time.

use std::{
    fmt::Display,
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
};

use time::{OffsetDateTime, macros::format_description};

use crate::lease::folder::Folder;

/// The open log of a folder.
#[derive(Debug)]
pub(in crate::lease) struct Journal(File);

impl Journal {
    pub(in crate::lease) fn open(folder: &Folder) -> io::Result<Self> {
        OpenOptions::new().append(true).create(true).mode(0o600).open(folder.log()).map(Self)
    }

    /// Writes a line. A full disk must not end a keeper, so what fails here is not told.
    pub(in crate::lease) fn line(&self, text: impl Display) {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let now = OffsetDateTime::now_utc().format(&format).unwrap_or_default();
        let line = format!("{now} [{}] {text}\n", std::process::id());
        let _ = (&self.0).write_all(line.as_bytes());
    }
}
