//! `kind-rs shell`.

use kind_core::inventory;
use kind_engine::Command;

use crate::{
    args::Shell,
    failure::Failure,
    inside::{self, Reads},
    session::Session,
};

/// Both lie where kubeadm leaves them; the second is there on every node.
const KUBECONFIGS: &str = "/etc/kubernetes/admin.conf:/etc/kubernetes/kubelet.conf";

pub(crate) async fn run(session: &Session<'_>, args: Shell) -> Result<u8, Failure> {
    let engine = session.engine().await?;
    let node = inventory::node(&*engine, &args.name, args.node.as_deref()).await?;
    let is_shell = args.command.is_empty();
    let words = if is_shell { vec!["bash".to_owned()] } else { args.command };
    // So that `kubectl` works there without further words.
    let command = Command::new(words).env("KUBECONFIG", KUBECONFIGS);
    let reads = if args.stdin || is_shell { Reads::All } else { Reads::Terminal };
    inside::run(&*engine, &node.name, command, reads).await
}
