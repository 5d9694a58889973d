//! What every container has to say: a node's services and images, and for all of them what the engine knows.

use kind_engine::{ContainerFacts, Engine};

use super::{tree::Tree, varlog};
use crate::{
    render::LOAD_BALANCER_FOLDER,
    spec::{LABEL_ROLE, ROLE_LOAD_BALANCER, is_node},
};

/// How many lines of what a container's first process printed are saved.
const LINES: usize = 100_000;
/// The same for each journal.
const JOURNAL_LINES: &str = "--lines=100000";

/// A file of a node, and the command whose output it holds. The first six are kind's.
const OF_NODE: [(&str, &[&str]); 11] = [
    ("kubernetes-version.txt", &["cat", "/kind/version"]),
    ("journal.log", &["journalctl", "--no-pager", "--output", "short-precise", JOURNAL_LINES]),
    (
        "kubelet.log",
        &["journalctl", "--no-pager", "--output", "short-precise", JOURNAL_LINES, "--unit", "kubelet.service"],
    ),
    (
        "containerd.log",
        &["journalctl", "--no-pager", "--output", "short-precise", JOURNAL_LINES, "--unit", "containerd.service"],
    ),
    ("images.log", &["crictl", "images"]),
    ("containers.log", &["crictl", "ps", "--all"]),
    ("pods.log", &["crictl", "pods"]),
    ("units.log", &["systemctl", "--no-pager", "--failed"]),
    ("addresses.log", &["ip", "address"]),
    ("routes.log", &["ip", "route"]),
    ("disk.log", &["df", "--human-readable"]),
];

/// The same for a load balancer: which API servers it was told of, and which of them it finds well.
const OF_LOAD_BALANCER: [(&str, &str); 3] =
    [("nginx.conf", "nginx.conf"), ("backends", "backends"), ("servers.conf", "servers.conf")];

pub(super) async fn export(engine: &dyn Engine, tree: &Tree, container: &ContainerFacts) {
    let name = container.name.as_str();
    let inspect = async {
        let text = engine.describe_container(name).await.map_err(|error| error.to_string())?;
        text.ok_or_else(|| "the container is gone".to_owned())
    };
    tree.save(&format!("{name}/inspect.json"), inspect).await;
    tree.save(&format!("{name}/serial.log"), engine.logs(name, LINES)).await;
    if !container.is_running() || container.state == "paused" {
        tree.lacks(&format!("{name}/*"), format!("the container does not run ({})", container.state));
        varlog::export(engine, tree, name).await;
        return;
    }
    if container.labels.get(LABEL_ROLE).is_some_and(|role| role == ROLE_LOAD_BALANCER) {
        for (file, source) in OF_LOAD_BALANCER {
            let path = format!("{LOAD_BALANCER_FOLDER}/{source}");
            tree.save_command(engine, name, &format!("{name}/{file}"), &["cat", &path]).await;
        }
        return;
    }
    if !is_node(&container.labels) {
        return;
    }
    for (file, argv) in OF_NODE {
        tree.save_command(engine, name, &format!("{name}/{file}"), argv).await;
    }
    varlog::export(engine, tree, name).await;
}
