//! `kind-rs load image-archive`.

use kind_harness::load::load_archive;

use super::load::{nodes, tell};
use crate::{args::LoadArchives, failure::Failure, session::Session};

pub(crate) async fn run(session: &Session<'_>, args: LoadArchives) -> Result<(), Failure> {
    let engine = session.engine().await?;
    let nodes = nodes(session, &*engine, args.target).await?;
    let steps = session.console.steps();
    for file in &args.files {
        let step = format!("load {}", file.display());
        let loaded = steps.during(&step, load_archive(&*engine, &nodes, file)).await?;
        tell(session, &loaded);
    }
    Ok(())
}
