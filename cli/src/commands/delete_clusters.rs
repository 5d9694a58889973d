//! `kind-rs delete clusters`.

use kind_harness::{
    ClusterName,
    inventory::{self, Maker},
};

use super::delete_cluster::delete;
use crate::{args::DeleteClusters, failure::Failure, session::Session};

pub(crate) async fn run(session: &Session<'_>, args: DeleteClusters) -> Result<(), Failure> {
    let kubeconfig = session.kubeconfig(&args.kubeconfig)?;
    let engine = session.engine().await?;
    let mut names = args.names;
    if args.all {
        for (name, maker) in inventory::clusters(&*engine).await? {
            match (maker, ClusterName::new(name.clone())) {
                (Maker::CommandLine | Maker::Stranger, Ok(name)) => names.push(name),
                (Maker::Tests, _) => session.console.note(&format!(
                    "cluster {name} stays: tests made it, and it goes with their run; name it to delete it all the same"
                )),
                (_, Err(error)) => session
                    .console
                    .note(&format!("cluster {name} stays, delete it with the tool that made it: {error}")),
            }
        }
    }
    let mut failed = 0;
    for name in &names {
        // One that fails does not keep the others.
        if let Err(failure) = delete(session, &engine, name, &kubeconfig).await {
            session.console.failure(&failure);
            failed += 1;
        }
    }
    if failed == 0 { Ok(()) } else { Err(Failure::SomeNotDestroyed { failed, all: names.len() }) }
}
