//! `kind-rs kubectl`.

use kind_core::{inventory, spec::ClusterName};
use kind_engine::{Command, Engine};

use crate::{
    args::Kubectl,
    failure::Failure,
    inside::{self, Reads},
    kubectl_words::reads_stdin,
    local_files::{self, Local},
    session::Session,
    unique::unique,
};

/// Where kubeadm leaves the administrator's kubeconfig on every control plane.
const KUBECONFIG: &str = "/etc/kubernetes/admin.conf";
/// Where this machine's files go in the node: on its volume, because files cannot be put into memory from outside.
const FILES: &str = "/var/lib/kind-rs";

pub(crate) async fn run(session: &Session<'_>, args: Kubectl) -> Result<u8, Failure> {
    let mut words = args.words.into_iter();
    let name = words.next().unwrap_or_default();
    let name = ClusterName::new(name).map_err(|source| Failure::Name { origin: "kind-rs kubectl NAME", source })?;
    let folder = format!("{FILES}/{}", unique());
    // What cannot be read here is an error before anything happens there.
    let local = local_files::collect(words.collect(), &folder)?;
    let engine = session.engine().await?;
    let node = inventory::node(&*engine, &name, None).await?.name;
    if local.files.is_empty() {
        return kubectl(&*engine, &node, local).await;
    }
    engine.write_files(&node, &local.files).await?;
    let done = kubectl(&*engine, &node, local).await;
    let removed = engine.exec(&node, &Command::new(["rm", "-rf", &folder])).await;
    let code = done?;
    removed?;
    Ok(code)
}

async fn kubectl(engine: &dyn Engine, node: &str, local: Local) -> Result<u8, Failure> {
    let reads = if reads_stdin(&local.arguments) { Reads::All } else { Reads::Nothing };
    let words = ["kubectl".to_owned()].into_iter().chain(local.arguments);
    let command = Command::new(words).env("KUBECONFIG", KUBECONFIG);
    inside::run(engine, node, command, reads).await
}
