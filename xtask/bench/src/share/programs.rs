//! The test programs that are run, and how they are built.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::settings;

/// Where the programs are.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    /// `tests/attach.rs`.
    pub(crate) tests: PathBuf,
    /// `tests/lease.rs`.
    pub(crate) lease: PathBuf,
}

impl Programs {
    /// Builds both.
    pub(crate) async fn build(release: bool) -> anyhow::Result<Self> {
        let mut cargo = Command::new(settings::cargo());
        cargo.args(["test", "--quiet", "--package", "kind-bench", "--no-run", "--message-format=json"]);
        cargo.args(["--test", "attach", "--test", "lease"]).args(release.then_some("--release"));
        let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output().await.context("start cargo")?;
        if !output.status.success() {
            bail!("build the test programs: {}", output.status);
        }
        let printed = String::from_utf8_lossy(&output.stdout);
        let of = |name: &str| {
            executable(&printed, name).with_context(|| format!("build the test programs: cargo named no `{name}`"))
        };
        Ok(Self { tests: of("attach")?, lease: of("lease")? })
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
