//! `kind-rs get clusters`.

use kind_harness::inventory;

use crate::{failure::Failure, output::print, session::Session};

pub(crate) async fn run(session: &Session<'_>) -> Result<(), Failure> {
    let engine = session.engine().await?;
    let clusters = inventory::clusters(&*engine).await?;
    if clusters.is_empty() {
        session.console.note("there is no cluster");
    }
    clusters.keys().try_for_each(|name| print(name))
}
