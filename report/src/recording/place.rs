//! Where the records of a run are: `runs/RUN/` below the artifacts.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use kind_core::{scope::Scope, settings::Settings};

use crate::page::Head;

/// The folder of all runs' records, below the artifacts.
pub(super) const RUNS: &str = "runs";
/// A page's name.
pub(super) const PAGE: &str = "report.html";
/// The longest name of a run's folder.
const LONGEST: usize = 100;

/// The folder of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place(PathBuf);

/// The folder for the records of the run that this process is part of; there or not.
pub fn run_folder(settings: &Settings) -> PathBuf {
    Place::of(settings, &Scope::of_run(settings)).0
}

impl Place {
    pub(super) fn of(settings: &Settings, run: &Scope) -> Self {
        // The keeper and the reporter work elsewhere.
        let artifacts = std::path::absolute(&settings.artifacts).unwrap_or_else(|_| settings.artifacts.clone());
        Self(artifacts.join(RUNS).join(folder_name(&run.name)))
    }

    pub(super) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The folder of the artifacts.
    pub(super) fn artifacts(&self) -> &Path {
        self.0.parent().and_then(Path::parent).unwrap_or(Path::new(""))
    }

    /// One file for each attempt of a test.
    pub(super) fn tests(&self) -> PathBuf {
        self.0.join("tests")
    }

    /// One file for each cluster.
    pub(super) fn clusters(&self) -> PathBuf {
        self.0.join("clusters")
    }

    /// The file of one cluster.
    pub(super) fn cluster(&self, name: &str) -> PathBuf {
        self.clusters().join(format!("{name}.jsonl"))
    }

    pub(super) fn head_file(&self) -> PathBuf {
        self.0.join("run.json")
    }

    pub(super) fn machine_file(&self) -> PathBuf {
        self.0.join("machine.json")
    }

    /// Held by the reporter as long as it lives.
    pub(super) fn reporter_lock(&self) -> PathBuf {
        self.0.join("reporter.lock")
    }

    /// Held by the test that starts a reporter.
    pub(super) fn starting_lock(&self) -> PathBuf {
        self.0.join("starting.lock")
    }

    /// What the reporter prints.
    pub(super) fn log(&self) -> PathBuf {
        self.0.join("reporter.log")
    }

    pub(super) fn page(&self) -> PathBuf {
        self.0.join(PAGE)
    }

    /// Makes the folders where they are missing.
    pub(super) fn create(&self) -> io::Result<()> {
        fs::create_dir_all(self.tests())?;
        fs::create_dir_all(self.clusters())
    }

    pub(super) fn head(&self) -> Option<Head> {
        let head: Head = serde_json::from_slice(&fs::read(self.head_file()).ok()?).ok()?;
        (head.format == crate::page::FORMAT).then_some(head)
    }

    /// Every run's folder of the same artifacts, newest first, with when it began. One without a head is as old as its
    /// folder.
    pub(super) fn all(artifacts: &Path) -> Vec<(Self, u64)> {
        let entries = fs::read_dir(artifacts.join(RUNS)).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut runs: Vec<(Self, u64)> = folders
            .map(|entry| {
                let place = Self(entry.path());
                let began = place.head().map(|head| head.began);
                (place, began.unwrap_or_else(|| modified(&entry.path())))
            })
            .collect();
        runs.sort_by(|a, b| (b.1, &b.0.0).cmp(&(a.1, &a.0.0)));
        runs
    }
}

/// When a file was last changed, in milliseconds since 1970.
pub(super) fn modified(path: &Path) -> u64 {
    let modified = fs::metadata(path).and_then(|facts| facts.modified()).ok();
    let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A run's name as a folder's.
fn folder_name(run: &str) -> String {
    let kept = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
    let name: String = run.chars().take(LONGEST).map(|it| if kept(it) { it } else { '-' }).collect();
    // What begins with a dot is hidden, or the folder above.
    name.replace('.', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_s_name_stays_in_its_folder() {
        assert_eq!(folder_name("nextest 5d6c-1"), "nextest-5d6c-1");
        assert_eq!(folder_name("../../etc/passwd\0"), "------etc-passwd-");
        assert_eq!(folder_name(&"x".repeat(300)).len(), LONGEST);
    }
}
