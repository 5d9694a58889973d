//! `kind-rs get kubeconfig`.

use kind_harness::kubeconfig::{Reach, export};

use crate::{args::GetKubeconfig, failure::Failure, output::print, session::Session};

pub(crate) async fn run(session: &Session<'_>, args: GetKubeconfig) -> Result<(), Failure> {
    let name = session.cluster_name(args.name.name, None)?;
    let engine = session.engine().await?;
    let reach = if args.internal { Reach::Internal } else { Reach::Host };
    print(&export(&*engine, &name, reach).await?)
}
