//! `kind-rs export logs`.

use std::path::PathBuf;

use kind_harness::logs::export;

use crate::{args::ExportLogs, failure::Failure, output::print, session::Session};

pub(crate) async fn run(session: &Session<'_>, args: ExportLogs) -> Result<(), Failure> {
    let name = session.cluster_name(args.name.name, None)?;
    let engine = session.engine().await?;
    let folder = match args.folder {
        Some(folder) => folder,
        None => temporary()?,
    };
    let version = format!("kind-rs v{}", env!("CARGO_PKG_VERSION"));
    let steps = session.console.steps();
    let missing = steps.during(&format!("export logs of {name}"), export(&*engine, &name, &folder, &version)).await?;
    if missing > 0 {
        let list = folder.join("missing.txt");
        session.console.note(&format!("{missing} files could not be had: {}", list.display()));
    }
    print(&folder.display().to_string())
}

/// A new folder that stays.
fn temporary() -> Result<PathBuf, Failure> {
    let made = tempfile::Builder::new().prefix("kind-rs-logs-").tempdir();
    let action = "make a temporary folder in";
    let made = made.map_err(|source| Failure::LocalFile { action, path: std::env::temp_dir(), source })?;
    Ok(made.keep())
}
