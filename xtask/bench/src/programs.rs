//! Building test programs, and finding what was built.

use std::{path::PathBuf, process::Stdio};

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
    /// The program of a target.
    pub(crate) fn of(&self, target: &str) -> anyhow::Result<PathBuf> {
        executable(&self.0, target).with_context(|| format!("build the test programs: cargo named no `{target}`"))
    }
}

/// The program that cargo's messages name for a target.
fn executable(printed: &str, name: &str) -> Option<PathBuf> {
    let messages = printed.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut of_target = messages.filter(|message| message["target"]["name"] == name);
    of_target.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_the_one_of_the_target() {
        let printed = r#"{"target":{"name":"serde"},"executable":null}
{"target":{"name":"attach"},"executable":"/target/debug/deps/attach-1"}
{"reason":"build-finished"}"#;
        assert_eq!(executable(printed, "attach"), Some(PathBuf::from("/target/debug/deps/attach-1")));
        assert_eq!(executable(printed, "lease"), None);
    }
}
