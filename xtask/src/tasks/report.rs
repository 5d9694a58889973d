//! The report that a run of tests leaves: that it is there, and where. What is in it is the harness' work.

use std::{fs, io, path::PathBuf, time::SystemTime};

use crate::context::Context;

/// A run left no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// None is there.
    #[error("find the report of the run, {}", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// The one that is there is an earlier run's.
    #[error("find the report of the run: {} is older than the run", .0.display())]
    Old(PathBuf),
}

/// Says where the reports are of runs of which one failed. The last one's may still be written.
pub(super) fn point_to(ctx: &Context) {
    ctx.ui.line(&format!("report, which leads to those of the other runs: {}", path(ctx).display()));
}

fn path(ctx: &Context) -> PathBuf {
    ctx.settings.artifacts.clone().unwrap_or_else(|| ctx.workspace.made()).join("report.html")
}

/// Says where the report is of the run that began then. Nothing that writes it runs any more.
pub(super) fn show(ctx: &Context, begin: SystemTime) -> Result<(), ReportError> {
    let path = path(ctx);
    let written = fs::metadata(&path).and_then(|facts| facts.modified());
    match written {
        Err(source) => Err(ReportError::Missing { path, source }),
        Ok(written) if written < begin => Err(ReportError::Old(path)),
        Ok(_) => {
            point_to(ctx);
            Ok(())
        }
    }
}
