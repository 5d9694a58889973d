//! Who shares a cluster, and whose end ends it.

use super::process::{self, ProcessId};
use crate::settings::Settings;

/// Who shares a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Part of the key: who has another one never meets this cluster.
    pub name: String,
    /// The process whose end is the end of the scope; `None` where disuse ends it.
    pub owner: Option<ProcessId>,
}

impl Scope {
    /// Who shares this process' clusters: the user with reuse on, else the run.
    pub fn of(settings: &Settings) -> Self {
        if settings.reuse { Self { name: "user".to_owned(), owner: None } } else { Self::of_run(settings) }
    }

    /// The run that this process is part of: the nextest run, the `cargo` above, or the process alone.
    pub fn of_run(settings: &Settings) -> Self {
        if let Some(run) = &settings.run {
            let owner = process::runner("NEXTEST_RUN_ID", run).unwrap_or_else(ProcessId::current);
            return Self { name: format!("nextest {run}"), owner: Some(owner) };
        }
        if let Some(cargo) = process::cargo() {
            return Self { name: format!("cargo {cargo}"), owner: Some(cargo) };
        }
        let this = ProcessId::current();
        Self { name: format!("process {this}"), owner: Some(this) }
    }
}
