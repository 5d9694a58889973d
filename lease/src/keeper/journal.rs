//! The keeper's log: one line for each thing it does, with the time. What a report tells goes into the cluster's records
//! as well.

use std::{
    fmt::Display,
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
};

use kind_report::Chronicle;
use time::{OffsetDateTime, macros::format_description};

use crate::{folder::Folder, order::Order};

/// The open log of a folder.
#[derive(Debug)]
pub(crate) struct Journal {
    log: File,
    /// The cluster's records.
    pub(crate) chronicle: Chronicle,
}

impl Journal {
    pub(crate) fn open(folder: &Folder) -> io::Result<Self> {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(folder.log())
            .map(|log| Self { log, chronicle: Chronicle::default() })
    }

    /// Records what happens to the cluster from now on.
    pub(crate) fn recording(self, folder: &Folder, order: &Order) -> Self {
        // A cluster of the user's belongs to no run.
        let run = order.owner.as_ref().and(order.records.as_deref());
        let chronicle = Chronicle::open(folder.path(), run, order.key.cluster().as_str());
        Self { chronicle, ..self }
    }

    /// Writes a line. A full disk must not end a keeper, so what fails here is not told.
    pub(crate) fn line(&self, text: impl Display) {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        let now = OffsetDateTime::now_utc().format(&format).unwrap_or_default();
        let line = format!("{now} [{}] {text}\n", std::process::id());
        let _ = (&self.log).write_all(line.as_bytes());
    }
}
