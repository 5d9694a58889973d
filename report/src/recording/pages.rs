//! Writing the pages: a run's own, and the one that everybody opens.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use super::{
    gather::gather,
    place::{PAGE, Place, RUNS},
};
use crate::page::{Run, page};

/// How many runs are remembered.
const REMEMBERED: usize = 5;
/// From a run's own folder to the artifacts.
const UP: &str = "../../";

/// Writes what is recorded now. Returns the path of the page that everybody opens, or `None` where the run has no
/// records.
///
/// While runs go on at the same time, that page is the one that began last; a run that is over takes it.
pub(super) fn write(place: &Place, live: bool) -> io::Result<Option<PathBuf>> {
    let Some(records) = gather(place, live) else { return Ok(None) };
    let run = Run::of(records);
    // Two runs' reporters must not write the same file at once.
    let _lock = exclusively(&place.artifacts().join(RUNS).join("pages.lock"))?;
    replace(&place.page(), &page(&run, UP))?;
    let front = place.artifacts().join(PAGE);
    let newest = Place::all(place.artifacts()).into_iter().find(|(it, _)| it.head_file().is_file());
    let newest = newest.is_none_or(|(newest, _)| &newest == place);
    if newest || !live {
        replace(&front, &page(&run, ""))?;
    }
    Ok(Some(front))
}

/// Removes the records of all but the last few runs. A run whose reporter lives stays.
pub(super) fn forget_old(artifacts: &Path) -> io::Result<()> {
    for (place, _) in Place::all(artifacts).into_iter().skip(REMEMBERED) {
        let lock = File::open(place.reporter_lock());
        if lock.is_ok_and(|lock| lock.try_lock().is_err()) {
            continue;
        }
        match fs::remove_dir_all(place.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// A lock that is held until the file is dropped.
fn exclusively(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.lock()?;
    Ok(file)
}

/// A reader sees the old page or the new one. The name is always the same, so that a killed write leaves nothing for
/// good.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("html.new");
    fs::write(&new, text)?;
    fs::rename(new, path)
}
