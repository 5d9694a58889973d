//! `kind-rs report`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use kind_report::rewrite;
use serde::Deserialize;

use crate::{args::Report, failure::Failure, output::print, session::Session};

pub(crate) fn run(session: &Session<'_>, args: Report) -> Result<(), Failure> {
    let settings = &session.settings;
    let named = args.artifacts.or_else(|| settings.named_artifacts.clone());
    let artifacts = named.or_else(of_workspace).unwrap_or_else(|| settings.artifacts.clone());
    print(&rewrite(&artifacts)?.display().to_string())
}

/// The folders in which cargo works.
#[derive(Deserialize)]
struct Folders {
    target_directory: PathBuf,
    /// Where test binaries are, since cargo tells the two apart.
    build_directory: Option<PathBuf>,
}

/// Where tests of the workspace that this folder is in leave their records, as only cargo knows, which reads arguments,
/// variables and configuration files for it. `None` outside of workspaces, and without cargo.
fn of_workspace() -> Option<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let folders: Folders = serde_json::from_slice(&output.stdout).ok()?;
    Some(folders.of_records())
}

impl Folders {
    fn of_records(self) -> PathBuf {
        let below = |folder: &Path| folder.join("kind");
        let of_binaries = self.build_directory.as_deref().map(below).filter(|folder| folder.join("runs").is_dir());
        of_binaries.unwrap_or_else(|| below(&self.target_directory))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_where_test_binaries_are() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let folders = |build| Folders { target_directory: at("target"), build_directory: build };
        assert_eq!(folders(None).of_records(), at("target/kind"));
        assert_eq!(folders(Some(at("build"))).of_records(), at("target/kind"));
        std::fs::create_dir_all(at("build/kind/runs")).unwrap();
        assert_eq!(folders(Some(at("build"))).of_records(), at("build/kind"));
    }

    /// Tests run in their package.
    #[test]
    fn cargo_says_which_folder_this_workspace_has() {
        let found = of_workspace().unwrap();
        assert!(std::env::current_exe().unwrap().starts_with(found.parent().unwrap()), "{}", found.display());
    }
}
