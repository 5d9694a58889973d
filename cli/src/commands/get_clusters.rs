//! `kind-rs get clusters`.

use kind_core::inventory::{self, Maker};
use serde::Serialize;

use crate::{args::GetClusters, failure::Failure, output::print_as, session::Session};

/// A cluster, as documents have it.
#[derive(Serialize)]
struct Listed {
    name: String,
    maker: Maker,
    context: String,
}

pub(crate) async fn run(session: &Session<'_>, args: GetClusters) -> Result<(), Failure> {
    let engine = session.engine().await?;
    let clusters = inventory::clusters(&*engine).await?;
    if clusters.is_empty() {
        session.console.note("there is no cluster");
    }
    let listed = clusters.iter().map(|(name, maker)| Listed {
        name: name.clone(),
        maker: *maker,
        context: format!("kind-{name}"),
    });
    print_as(args.output, &listed.collect::<Vec<_>>(), clusters.keys())
}
