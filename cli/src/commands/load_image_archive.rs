//! `kind-rs load image-archive`.

use std::{
    io::{IsTerminal as _, stdin},
    path::Path,
};

use kind_core::load::{load_archive, load_stream};

use super::load::{nodes, tell};
use crate::{args::LoadArchives, failure::Failure, session::Session};

pub(crate) async fn run(session: &Session<'_>, args: LoadArchives) -> Result<(), Failure> {
    let engine = session.engine().await?;
    let nodes = nodes(session, &*engine, args.target).await?;
    let steps = session.console.steps();
    for file in &args.files {
        let loaded = if file == Path::new("-") {
            if stdin().is_terminal() {
                return Err(Failure::NoInput);
            }
            let name = Path::new("standard input");
            steps.during("load standard input", load_stream(&*engine, &nodes, stdin(), name)).await?
        } else {
            let step = format!("load {}", file.display());
            steps.during(&step, load_archive(&*engine, &nodes, file)).await?
        };
        tell(session, &loaded);
    }
    Ok(())
}
