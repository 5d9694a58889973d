//! `kind-rs get kubeconfig`.

use kind_core::kubeconfig::{Reach, export, leads_from_here};

use crate::{
    args::{Format, GetKubeconfig},
    failure::Failure,
    output::{print, print_as},
    session::Session,
};

pub(crate) async fn run(session: &Session<'_>, args: GetKubeconfig) -> Result<(), Failure> {
    let name = session.cluster_name(args.name.given(), None)?;
    let engine = session.engine().await?;
    let reach = if args.internal { Reach::Internal } else { Reach::Host };
    let kubeconfig = export(&*engine, &name, reach).await?;
    if reach == Reach::Host && !leads_from_here(&kubeconfig).await {
        session.tell_out_of_reach(&name);
    }
    if args.output == Format::Yaml {
        return print(&kubeconfig);
    }
    let document: serde_json::Value =
        serde_yaml::from_str(&kubeconfig).map_err(|error| Failure::Output(std::io::Error::other(error)))?;
    print_as(args.output, &document, [name.context()])
}
