//! What both ways to load images have in common: which nodes, and saying what became of each image.

use kind_engine::Engine;
use kind_harness::{inventory, load::Loaded, spec::is_node};

use crate::{args::LoadTarget, failure::Failure, session::Session};

/// The nodes that are meant: those named, else all of the cluster.
pub(super) async fn nodes(
    session: &Session<'_>,
    engine: &dyn Engine,
    target: LoadTarget,
) -> Result<Vec<String>, Failure> {
    let name = session.cluster_name(target.name.name, None)?;
    if target.nodes.is_empty() {
        let mut nodes = inventory::cluster(engine, &name).await?;
        nodes.retain(|node| is_node(&node.labels));
        return Ok(nodes.into_iter().map(|node| node.name).collect());
    }
    let mut names = Vec::new();
    for wanted in &target.nodes {
        let node = inventory::node(engine, &name, Some(wanted)).await?.name;
        if !names.contains(&node) {
            names.push(node);
        }
    }
    Ok(names)
}

pub(super) fn tell(session: &Session<'_>, loaded: &Loaded) {
    for (image, nodes) in &loaded.images {
        if nodes.is_empty() {
            session.console.note(&format!("{image}: there already"));
        } else {
            session.console.note(&format!("{image}: now on {}", nodes.join(", ")));
        }
    }
}
