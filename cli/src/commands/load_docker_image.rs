//! `kind-rs load docker-image`.

use kind_harness::load::load_images;

use super::load::{nodes, tell};
use crate::{args::LoadImages, failure::Failure, session::Session};

pub(crate) async fn run(session: &Session<'_>, args: LoadImages) -> Result<(), Failure> {
    let engine = session.engine().await?;
    let nodes = nodes(session, &*engine, args.target).await?;
    let steps = session.console.steps();
    let step = format!("load {}", args.images.join(", "));
    let loaded = steps.during(&step, load_images(&*engine, &nodes, &args.images)).await?;
    tell(session, &loaded);
    Ok(())
}
