//! Who shares a cluster, and whose end ends it.

use super::process::{self, ProcessId};
use crate::settings::Settings;

/// Who shares a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Part of the key: who has another one never meets this cluster.
    pub(crate) name: String,
    /// The process whose end is the end of the scope; `None` where disuse ends it.
    pub(crate) owner: Option<ProcessId>,
}

impl Scope {
    /// The scope of this process: the user with reuse on, the nextest run, the `cargo` above, or the process alone.
    pub(crate) fn of(settings: &Settings) -> Self {
        if settings.reuse {
            return Self { name: "user".to_owned(), owner: None };
        }
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
