//! Building test programs, and finding what was built.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, bail};
use tokio::process::Command;

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
        executable(&self.0, source).with_context(|| format!("build the test programs: cargo named none of {source}"))
    }
}

/// The program that cargo's messages name for a source file.
fn executable(printed: &str, source: &str) -> Option<PathBuf> {
    let messages = printed.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let is_meant = |path: &str| Path::new(path).ends_with(source);
    let mut of_source = messages.filter(|message| message["target"]["src_path"].as_str().is_some_and(is_meant));
    of_source.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_the_one_of_the_source_file() {
        let printed = r#"{"target":{"name":"serde","src_path":"/serde/src/lib.rs"},"executable":null}
{"target":{"name":"suite","src_path":"/w/cli/tests/suite.rs"},"executable":"/target/debug/deps/suite-1"}
{"target":{"name":"suite","src_path":"/w/suite/tests/suite.rs"},"executable":"/target/debug/deps/suite-2"}
{"reason":"build-finished"}"#;
        assert_eq!(executable(printed, "suite/tests/suite.rs"), Some(PathBuf::from("/target/debug/deps/suite-2")));
        assert_eq!(executable(printed, "tests/lease.rs"), None);
    }
}
