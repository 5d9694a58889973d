//! `kind-rs load docker-image`.

use kind_core::load::{Loaded, load_images};
use kind_engine::Engine;

use super::load::{hint, nodes, tell};
use crate::{
    args::{LoadImages, LoadTarget},
    failure::Failure,
    session::Session,
};

pub(crate) async fn run(session: &Session<'_>, args: LoadImages) -> Result<(), Failure> {
    let engine = session.engine().await?;
    let loaded = load(session, &*engine, args.target, &args.images).await;
    if loaded.is_err() {
        hint(session, &*engine, &args.images).await;
    }
    tell(session, &loaded?);
    Ok(())
}

async fn load(
    session: &Session<'_>,
    engine: &dyn Engine,
    target: LoadTarget,
    images: &[String],
) -> Result<Loaded, Failure> {
    let nodes = nodes(session, engine, target).await?;
    let steps = session.console.steps();
    let step = format!("load {}", images.join(", "));
    Ok(steps.during(&step, load_images(engine, &nodes, images)).await?)
}
