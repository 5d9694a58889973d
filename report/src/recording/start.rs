//! Seeing to it that a run has a reporter.

use std::{fs::OpenOptions, io};

use kind_core::{
    detached::{Detached, start_detached},
    settings,
};

use super::place::Place;

/// Starts a reporter unless one lives or is being started.
pub(super) fn ensure_reporter(place: &Place) -> io::Result<()> {
    let open = |path| OpenOptions::new().write(true).create(true).truncate(false).open(path);
    if open(place.reporter_lock())?.try_lock_shared().is_err() {
        return Ok(());
    }
    let starting = open(place.starting_lock())?;
    if starting.try_lock().is_err() {
        return Ok(());
    }
    let started = start_detached(&Detached {
        name: "kind-harness-reporter",
        variable: settings::REPORTER,
        value: place.path(),
        log: &place.log(),
    })?;
    // Whoever comes until the reporter has its own lock starts no other one. The lock ends with this process at the latest.
    started.keep_until_end(starting)
}
