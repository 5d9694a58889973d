//! The same specs under ginkgo's own command, in as many processes as specs run at once.

use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use kind_conformance::{Spec, focus};
use tokio::process::Command;

/// Ginkgo's command, and what it is told.
pub(super) struct Ginkgo {
    pub(super) command: PathBuf,
    pub(super) e2e_test: PathBuf,
    pub(super) kubectl: PathBuf,
    pub(super) kubeconfig: PathBuf,
}

/// Which specs.
pub(super) enum Choice<'a> {
    /// Every parallel conformance spec, said by tags: a pattern of hundreds of names would make ginkgo slow.
    Parallel,
    /// These.
    These(&'a [&'a Spec]),
}

impl Choice<'_> {
    fn arguments(&self) -> Vec<String> {
        match self {
            Self::Parallel => vec![r"--focus=\[Conformance\]".to_owned(), r"--skip=\[Serial\]".to_owned()],
            Self::These(specs) => specs.iter().map(|spec| format!("--focus={}", focus(spec.upstream))).collect(),
        }
    }
}

impl Ginkgo {
    /// Runs these specs in so many processes, and returns how long it took all in all.
    pub(super) async fn run(&self, choice: &Choice<'_>, count: usize, processes: usize) -> anyhow::Result<Duration> {
        let folder = tempfile::tempdir().context("make a folder")?;
        let mut command = Command::new(&self.command);
        command
            .arg(format!("--procs={processes}"))
            .args(["--no-color", "--timeout=1h"])
            .args(choice.arguments())
            .arg(&self.e2e_test)
            .arg("--")
            .arg(format!("--kubeconfig={}", self.kubeconfig.display()))
            .arg(format!("--kubectl-path={}", self.kubectl.display()))
            .args(["--provider=skeleton", "--disable-log-dump=true"])
            .env_remove("KUBECONFIG")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let start = Instant::now();
        let output = command.output().await.with_context(|| format!("start {}", self.command.display()))?;
        let took = start.elapsed();
        let printed = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("run ginkgo: {}\n{printed}{}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        match passed(&printed) {
            Some(passed) if passed == count => Ok(took),
            found => bail!("run ginkgo: expected {count} specs to pass, found {found:?} in\n{printed}"),
        }
    }
}

/// How many specs passed, of ginkgo's line `SUCCESS! -- 60 Passed | 0 Failed | …`.
fn passed(printed: &str) -> Option<usize> {
    let (before, _) = printed.rsplit_once(" Passed | ")?;
    before.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passed_is_counted_by_ginkgo() {
        assert_eq!(passed("Ran 60 of 7 Specs\nSUCCESS! -- 60 Passed | 0 Failed | 0 Pending\nPASS"), Some(60));
        assert_eq!(passed("PASS"), None);
    }
}
