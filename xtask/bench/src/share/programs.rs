//! The test programs that are run.

use std::path::PathBuf;

use crate::programs;

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
        let words = ["--package", "kind-bench", "--test", "attach", "--test", "lease"];
        let built = programs::build(&[&words[..], if release { &["--release"] } else { &[] }].concat()).await?;
        Ok(Self { tests: built.of("bench/tests/attach.rs")?, lease: built.of("bench/tests/lease.rs")? })
    }
}
