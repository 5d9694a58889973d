//! `kind-rs get kubeconfig`.

use kind_harness::kubeconfig::{Reach, export};

use crate::{args::GetKubeconfig, failure::Failure, session::Session};

pub(crate) async fn run(session: &Session<'_>, args: GetKubeconfig) -> Result<(), Failure> {
    let settings = session.settings()?;
    let name = session.cluster_name(args.name.name, &settings, None)?;
    let engine = session.engine(&settings).await?;
    let reach = if args.internal { Reach::Internal } else { Reach::Host };
    session.print(&export(&*engine, &name, reach).await?)
}
