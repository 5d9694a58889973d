//! `kind-rs export kubeconfig`.

use kind_core::kubeconfig::{Reach, export, leads_from_here};

use crate::{args::ExportKubeconfig, failure::Failure, session::Session};

pub(crate) async fn run(session: &Session<'_>, args: ExportKubeconfig) -> Result<(), Failure> {
    let name = session.cluster_name(args.name.given(), None)?;
    let files = session.kubeconfig(&args.kubeconfig)?;
    let engine = session.engine().await?;
    let reach = if args.internal { Reach::Internal } else { Reach::Host };
    let kubeconfig = export(&*engine, &name, reach).await?;
    if reach == Reach::Host && !leads_from_here(&kubeconfig).await {
        session.tell_out_of_reach(&name);
    }
    let switched = session.merge(&files, &kubeconfig, &name, args.no_switch)?;
    session.console.note(&switched);
    Ok(())
}
