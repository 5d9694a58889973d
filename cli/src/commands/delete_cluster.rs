//! `kind-rs delete cluster`, and the removal of one cluster for whoever needs it.

use kind_engine::Engine;
use kind_harness::{ClusterName, kubeconfig::KubeconfigFiles, provision::destroy};

use crate::{args::DeleteCluster, failure::Failure, session::Session};

pub(crate) async fn run(session: &Session<'_>, args: DeleteCluster) -> Result<(), Failure> {
    let name = session.cluster_name(args.name.name, None)?;
    let kubeconfig = session.kubeconfig(&args.kubeconfig)?;
    let engine = session.engine().await?;
    delete(session, &*engine, &name, &kubeconfig).await
}

/// Removes a cluster, then its entries in the user's kubeconfig: those stay as long as the cluster does.
pub(super) async fn delete(
    session: &Session<'_>,
    engine: &dyn Engine,
    name: &ClusterName,
    kubeconfig: &KubeconfigFiles,
) -> Result<(), Failure> {
    let steps = session.console.steps();
    let removed = steps.during(&format!("delete cluster {name}"), destroy(engine, name)).await?;
    kubeconfig.remove(name)?;
    if removed.is_empty() {
        session.console.note(&format!("there was no cluster {name}"));
    }
    Ok(())
}
