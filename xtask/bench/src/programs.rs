//! Building test programs, and finding what was built.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context, bail};
use tokio::process::Command;
use xtask::process::program_of;

use crate::settings;

/// What cargo said of a build.
pub(crate) struct Built(String);

/// Builds the test programs that these arguments choose.
pub(crate) async fn build(arguments: &[&str]) -> anyhow::Result<Built> {
    let mut cargo = Command::new(settings::cargo());
    cargo.args(["test", "--quiet", "--no-run", "--message-format=json"]).args(arguments);
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output().await.context("start cargo")?;
    if !output.status.success() {
        bail!("build the test programs: {}", output.status);
    }
    Ok(Built(String::from_utf8_lossy(&output.stdout).into_owned()))
}

impl Built {
    /// The program of a source file, such as `bench/tests/lease.rs`: packages may have targets of one name.
    pub(crate) fn of(&self, source: &str) -> anyhow::Result<PathBuf> {
        program_of(&self.0, source).with_context(|| format!("build the test programs: cargo named none of {source}"))
    }
}
