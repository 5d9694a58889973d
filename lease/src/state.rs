//! What is known of a cluster, as its state file has it. Only the keeper writes it.

use std::{
    io,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use kind_core::cluster::ClusterRecord;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::step::step;

/// The version of the files in a state folder. A file of another version is reported and replaced.
pub(crate) const FORMAT: u32 = 1;

/// The state of a cluster and how often one was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Counts bring-ups of this key, from 1. It tells a failure that one waited for from an earlier one.
    pub(crate) attempt: u32,
    /// How many bring-ups failed, one after the other.
    pub(crate) failures: u32,
    /// Seconds since 1970 when it became so.
    pub(crate) since: u64,
    /// What it is.
    pub(crate) state: State,
}

/// The state of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// It is being brought up.
    Creating {
        /// The steps that run.
        step: String,
    },
    /// It is up.
    Ready {
        /// How to reach it.
        record: Box<ClusterRecord>,
    },
    /// It is up, and frozen: nobody has used it for a while. Its keeper lets it go on when somebody wants it.
    Paused {
        /// How to reach it.
        record: Box<ClusterRecord>,
    },
    /// It could not be brought up.
    Failed {
        /// What went wrong, with all its causes.
        error: String,
        /// Why there is no engine, where that is what went wrong.
        no_engine: Option<String>,
    },
    /// It is being removed.
    Deleting,
    /// It was left for a look, without a keeper.
    Kept {
        /// How to reach it.
        record: Box<ClusterRecord>,
    },
}

/// What a reader found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found<T> {
    /// Nothing.
    Nothing,
    /// A file that cannot be used: the reason.
    Unusable(String),
    /// What was written.
    This(T),
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    format: u32,
    #[serde(flatten)]
    content: T,
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// Reads a file of this version.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Found<T>> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    let found = match serde_json::from_slice::<Version>(&text) {
        Err(error) => Found::Unusable(format!("it is corrupt ({error})")),
        Ok(Version { format }) if format != FORMAT => {
            Found::Unusable(format!("it is of format {format}, this harness writes {FORMAT}"))
        }
        Ok(_) => match serde_json::from_slice::<Versioned<T>>(&text) {
            Ok(file) => Found::This(file.content),
            Err(error) => Found::Unusable(format!("it is corrupt ({error})")),
        },
    };
    Ok(found)
}

/// Replaces a file at once: a reader sees the old one or the new one. Only the user can read it.
pub(super) fn write<T: Serialize>(path: &Path, content: T) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(&Versioned { format: FORMAT, content })?;
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, &text)?;
    step("drafted a file");
    file.persist(path).map_err(|failed| failed.error)?;
    step("replaced a file");
    Ok(())
}

impl Report {
    /// A state that begins now.
    pub(super) fn now(attempt: u32, failures: u32, state: State) -> Self {
        Self { attempt, failures, since: seconds(SystemTime::now()), state }
    }

    /// How long it has been so.
    pub(crate) fn age(&self) -> Duration {
        Duration::from_secs(seconds(SystemTime::now()).saturating_sub(self.since))
    }
}

/// Seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_written_is_read_and_only_by_the_user() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        assert_eq!(read::<Report>(&path).unwrap(), Found::Nothing);
        let report = Report::now(3, 1, State::Creating { step: "join".to_owned() });
        write(&path, &report).unwrap();
        assert_eq!(read(&path).unwrap(), Found::This(report));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn other_versions_and_rubbish_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        for (text, reason) in [
            (r#"{"format":0,"old":true}"#, "format 0"),
            (r#"{"format":99}"#, "format 99"),
            ("", "corrupt"),
            ("{", "corrupt"),
            (r#"{"format":1,"attempt":1}"#, "corrupt"),
            ("[1]", "corrupt"),
        ] {
            std::fs::write(&path, text).unwrap();
            let Found::Unusable(why) = read::<Report>(&path).unwrap() else { panic!("{text:?} was read") };
            assert!(why.contains(reason), "{text:?}: {why}");
        }
    }
}
