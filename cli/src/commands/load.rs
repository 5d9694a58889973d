//! What both ways to load images have in common: which nodes, and saying what became of each image.

use kind_core::{
    inventory,
    load::{Loaded, LoadedImage},
};
use kind_engine::Engine;

use crate::{
    args::{LoadTarget, given},
    failure::Failure,
    session::Session,
};

/// The nodes that are meant: those named, else all of the cluster.
pub(super) async fn nodes(
    session: &Session<'_>,
    engine: &dyn Engine,
    target: LoadTarget,
) -> Result<Vec<String>, Failure> {
    let name = session.cluster_name(given(target.name.name), None)?;
    let wanted: Vec<&String> = target.nodes.iter().filter(|name| !name.is_empty()).collect();
    if wanted.is_empty() {
        let nodes = inventory::running_nodes(engine, &name).await?;
        return Ok(nodes.into_iter().map(|node| node.name).collect());
    }
    let mut names = Vec::new();
    for wanted in wanted {
        let node = inventory::node(engine, &name, Some(wanted)).await?.name;
        if !names.contains(&node) {
            names.push(node);
        }
    }
    Ok(names)
}

/// Says so where a word that was taken for an image is the name of a cluster: many write it behind the image.
pub(super) async fn hint(session: &Session<'_>, engine: &dyn Engine, words: &[String]) {
    let Ok(clusters) = inventory::clusters(engine).await else { return };
    for word in words.iter().filter(|word| clusters.contains_key(*word)) {
        session.console.note(&format!("{word} was taken for an image; `--name {word}` names the cluster"));
    }
}

pub(super) fn tell(session: &Session<'_>, loaded: &Loaded) {
    for LoadedImage { image, names, nodes } in &loaded.images {
        let names = names.join(", ");
        // A short name and its long one are the same to everybody.
        let is_short = names == *image || names.ends_with(&format!("/{image}"));
        let image = if is_short { image.clone() } else { format!("{image} as {names}") };
        if nodes.is_empty() {
            session.console.note(&format!("{image}: there already"));
        } else {
            session.console.note(&format!("{image}: now on {}", nodes.join(", ")));
        }
    }
    for id in &loaded.nameless {
        session.console.note(&format!("{id}: left out, it has no name, so no pod could ask for it"));
    }
}
