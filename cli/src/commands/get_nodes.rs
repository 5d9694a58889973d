//! `kind-rs get nodes`.

use kind_harness::inventory;

use crate::{args::GetNodes, failure::Failure, output::print, session::Session};

pub(crate) async fn run(session: &Session<'_>, args: GetNodes) -> Result<(), Failure> {
    let (nodes, none) = if args.all_clusters {
        let engine = session.engine().await?;
        (inventory::all_containers(&*engine).await?, "there is no cluster".to_owned())
    } else {
        let name = session.cluster_name(args.name.name, None)?;
        let engine = session.engine().await?;
        (
            inventory::containers(&*engine, &name).await?,
            format!("cluster {name} has no nodes; is there such a cluster?"),
        )
    };
    if nodes.is_empty() {
        session.console.note(&none);
    }
    nodes.iter().try_for_each(|node| print(&node.name))
}
