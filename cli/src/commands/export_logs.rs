//! `kind-rs export logs`.

use std::path::PathBuf;

use kind_core::{
    inventory,
    logs::{export, move_older},
};

use crate::{
    args::{ExportLogs, given},
    failure::Failure,
    output::print,
    session::Session,
};

pub(crate) async fn run(session: &Session<'_>, args: ExportLogs) -> Result<(), Failure> {
    let name = session.cluster_name(given(args.name.name), None)?;
    let engine = session.engine().await?;
    // Without a cluster there is nothing to make room for.
    inventory::cluster(&*engine, &name).await?;
    let folder = match args.folder {
        Some(folder) => folder,
        None => temporary()?,
    };
    // Many write a cluster's name there.
    if let Some(word) = folder.to_str().filter(|word| *word != name.as_str())
        && inventory::clusters(&*engine).await.is_ok_and(|clusters| clusters.contains_key(word))
    {
        session
            .console
            .note(&format!("the logs of {name} go into the folder {word}; `--name {word}` names the cluster"));
    }
    if let Some(older) = move_older(&folder)? {
        session.console.note(&format!("the older export in {} is now in {}", folder.display(), older.display()));
    }
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
