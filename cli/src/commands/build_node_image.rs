//! `kind-rs build node-image`.

use kind_images::{BuildOptions, build};

use crate::{failure::Failure, session::Session};

pub(crate) async fn run(session: &Session<'_>) -> Result<(), Failure> {
    let settings = session.settings()?;
    let cache = settings.home.as_deref().ok_or(Failure::NoHome)?.join(".cache/kind-rs/images");
    let engine = session.engine(&settings).await?;
    let steps = session.console.steps();
    let reference = build(&*engine, &BuildOptions::new(cache), &steps).await?;
    drop(steps);
    session.print(&reference)
}
