//! `kind-rs delete cluster`, and the removal of one cluster for whoever needs it.

use std::sync::Arc;

use kind_core::{kubeconfig::KubeconfigFiles, provision::destroy_named, spec::ClusterName};
use kind_engine::Engine;
use kind_lease::{SweepOutcome, give_up};

use crate::{args::DeleteCluster, failure::Failure, session::Session};

pub(crate) async fn run(session: &Session<'_>, args: DeleteCluster) -> Result<(), Failure> {
    let name = session.cluster_name(args.name.given(), None)?;
    let kubeconfig = session.kubeconfig(&args.kubeconfig)?;
    let engine = session.engine().await?;
    delete(session, &engine, &name, &kubeconfig).await
}

/// Removes a cluster, then its entries in the user's kubeconfig: those stay as long as the cluster does.
pub(super) async fn delete(
    session: &Session<'_>,
    engine: &Arc<dyn Engine>,
    name: &ClusterName,
    kubeconfig: &KubeconfigFiles,
) -> Result<(), Failure> {
    let steps = session.console.steps();
    let there_was = steps.during(&format!("delete cluster {name}"), remove(session, engine, name)).await?;
    kubeconfig.remove(name)?;
    if !there_was {
        session.console.note(&format!("there was no cluster {name}"));
    }
    Ok(())
}

/// Says whether there was one. One of tests goes with its state folder, by its keeper where that lives.
async fn remove(session: &Session<'_>, engine: &Arc<dyn Engine>, name: &ClusterName) -> Result<bool, Failure> {
    match give_up(&session.settings, Arc::clone(engine), name).await? {
        Some(SweepOutcome::Gone(_)) => return Ok(true),
        Some(SweepOutcome::Stays(why)) => session.console.note(&format!("cluster {name} is deleted although {why}")),
        // Whatever kept it from going shows again now.
        _ => {}
    }
    let removed = destroy_named(&**engine, name).await?;
    for guest in &removed.disconnected {
        session.console.note(&format!("disconnected container {guest}: the network goes with its cluster"));
    }
    for kept in &removed.kept {
        session.console.note(&format!("volume {kept} stays: that container uses it"));
    }
    Ok(!removed.is_empty())
}
