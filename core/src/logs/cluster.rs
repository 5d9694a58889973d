//! What the cluster says of itself, asked through a control plane: events, objects, and etcd's members.

use std::time::Duration;

use kind_engine::{Command, ContainerFacts, Engine};
use serde_json::Value;
use tokio::time::timeout;

use super::tree::Tree;
use crate::{
    redact::Known,
    spec::{LABEL_ROLE, Role},
};

const KUBECTL: [&str; 4] = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "--request-timeout=20s"];

/// A file, and the rest of the command whose output it holds.
const QUESTIONS: [(&str, &[&str]); 7] = [
    ("events.txt", &["get", "events", "--all-namespaces", "--sort-by=.metadata.creationTimestamp", "--output=wide"]),
    ("nodes.txt", &["describe", "nodes"]),
    ("nodes.yaml", &["get", "nodes", "--output=yaml"]),
    ("pods.txt", &["get", "pods", "--all-namespaces", "--output=wide"]),
    ("pods-described.txt", &["describe", "pods", "--all-namespaces"]),
    (
        "workloads.txt",
        &["get", "deployments,daemonsets,statefulsets,jobs,services", "--all-namespaces", "--output=wide"],
    ),
    ("readiness.txt", &["get", "--raw=/readyz?verbose"]),
];

/// etcd's own answers as JSON, by its gateway.
const ETCD: [(&str, &str); 2] =
    [("etcd-status.json", "/v3/maintenance/status"), ("etcd-members.json", "/v3/cluster/member/list")];
const ETCD_FOLDER: &str = "/etc/kubernetes/pki/etcd";

/// How long the cluster may take to tell its Secrets.
const SECRETS_LIMIT: Duration = Duration::from_secs(30);

fn control_planes(containers: &[ContainerFacts]) -> Vec<&ContainerFacts> {
    let is_control_plane = |container: &&ContainerFacts| {
        let role = container.labels.get(LABEL_ROLE).map(String::as_str).unwrap_or_default();
        role == Role::ControlPlane.to_string() && container.state == "running"
    };
    containers.iter().filter(is_control_plane).collect()
}

/// What the cluster's Secrets hold, as far as it tells.
pub(super) async fn known(engine: &dyn Engine, containers: &[ContainerFacts]) -> Known {
    let argv = [&KUBECTL[..], &["get", "secrets", "--all-namespaces", "--output=json"]].concat();
    for node in control_planes(containers) {
        let listed = timeout(SECRETS_LIMIT, engine.exec(&node.name, &Command::new(argv.iter().copied()))).await;
        let Ok(Ok(output)) = listed else { continue };
        let Ok(list) = serde_json::from_slice::<Value>(&output.stdout) else { continue };
        return Known::of(list.get("items").and_then(Value::as_array).into_iter().flatten());
    }
    Known::default()
}

pub(super) async fn export(engine: &dyn Engine, tree: &Tree, containers: &[ContainerFacts]) {
    let control_planes = control_planes(containers);
    let Some(first) = control_planes.first() else {
        return tree.lacks("cluster/*", "no control plane runs");
    };
    for (file, question) in QUESTIONS {
        let argv = [&KUBECTL[..], question].concat();
        tree.save_command(engine, &first.name, &format!("cluster/{file}"), &argv).await;
    }
    for node in control_planes {
        for (file, path) in ETCD {
            tree.save(&format!("{}/{file}", node.name), ask_etcd(engine, &node.name, path)).await;
        }
    }
}

/// Asks the member on a node. Nodes have no program for it but openssl, which makes the connection.
async fn ask_etcd(engine: &dyn Engine, node: &str, path: &str) -> Result<String, String> {
    let file = |name: &str| format!("{ETCD_FOLDER}/{name}");
    let (authority, certificate, key) =
        (file("ca.crt"), file("healthcheck-client.crt"), file("healthcheck-client.key"));
    let argv = ["openssl", "s_client", "-quiet", "-connect", "127.0.0.1:2379", "-CAfile", &authority];
    let argv = argv.into_iter().chain(["-cert", &certificate, "-key", &key]);
    let request = format!("POST {path} HTTP/1.0\r\nContent-Length: 2\r\n\r\n{{}}");
    let output = engine.exec(node, &Command::new(argv).stdin(request)).await.map_err(|error| error.to_string())?;
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
        Some((head, _)) => Err(head.lines().next().unwrap_or_default().to_owned()),
        None => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}
