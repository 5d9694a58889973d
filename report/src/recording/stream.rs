//! A file of records: one line for each event, appended in one call, so that a kill costs no line that was there.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use crate::page::{FORMAT, Line};

/// An open file of records.
#[derive(Debug)]
pub(super) struct Stream(File);

impl Stream {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().append(true).create(true).open(path).map(Self)
    }

    /// Notes an event that happens now.
    pub(super) fn note<E: Serialize>(&self, event: &E) -> io::Result<()> {
        self.note_at(event, now())
    }

    /// Notes an event that happened then.
    pub(super) fn note_at<E: Serialize>(&self, event: &E, at: u64) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line { format: FORMAT, at, event })?;
        line.push(b'\n');
        (&self.0).write_all(&line)
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
