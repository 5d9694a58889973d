//! `kind-rs build conformance`.

use kind_images::{BuildOptions, conformance};

use crate::{failure::Failure, output::print, session::Session};

pub(crate) async fn run(session: &Session<'_>) -> Result<(), Failure> {
    let cache = session.settings.cache_dir.as_deref().ok_or(Failure::NoHome)?.join("images");
    let engine = session.engine().await?;
    let steps = session.console.steps();
    let suite = conformance::build(&*engine, &BuildOptions::new(cache), &steps).await?;
    drop(steps);
    print(&suite.image)
}
