//! Writing a report anew from the records that are there, for who was too quick or after everything was killed.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{gather::is_in_use, pages::write, place::Place};

/// There is no report to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// No run left records.
    #[error("find the records of a test run in {}: run tests there first, or say with ARTIFACTS where they are", .0.display())]
    NoRecords(PathBuf),
    /// A file.
    #[error("write the report in {}", artifacts.display())]
    File {
        /// The folder of the artifacts.
        artifacts: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Writes the report of the last run whose records are in a folder of artifacts, and returns its path.
///
/// # Errors
/// When there are no records, or the report cannot be written.
pub fn rewrite(artifacts: &Path) -> Result<PathBuf, RewriteError> {
    let absolute = std::path::absolute(artifacts).unwrap_or_else(|_| artifacts.to_owned());
    let newest = Place::all(&absolute).into_iter().find_map(|(place, _)| Some((place.head()?, place)));
    let Some((head, place)) = newest else { return Err(RewriteError::NoRecords(absolute)) };
    let live = head.owner.is_alive() || is_in_use(&place);
    let written = write(&place, live).map_err(|source| RewriteError::File { artifacts: absolute.clone(), source })?;
    written.ok_or(RewriteError::NoRecords(absolute))
}
