//! After a failed step: every node's logs into a folder, and the lines that tell most into the error. Both without secrets.
//!
//! Nothing here may fail the caller: what cannot be had is left out.

use std::{path::Path, time::Duration};

use futures::future::join_all;
use kind_engine::Command;
use serde_json::Value;

use super::{context::Context, plan::PlannedNode, steps::ProvisionError};
use crate::{
    private_file::{bounded, save},
    redact::Known,
};

/// How long collecting may take on one node; an engine that hangs must not hold up the error.
const LIMIT: Duration = Duration::from_secs(30);
/// How long the cluster may take to tell its Secrets: where it has no API yet, it has none.
const SECRETS_LIMIT: Duration = Duration::from_secs(10);
/// How many lines go into the error.
const LINES: usize = 12;

/// What is saved of every node: a file name and the command whose output it holds. Each is bounded where it is made.
const LOGS: [(&str, &[&str]); 5] = [
    ("journal.log", &["journalctl", "--no-pager", "--output", "short-precise", "--lines", "10000"]),
    ("kubelet.log", &["journalctl", "--no-pager", "--output", "short-precise", "--lines", "5000", "--unit", "kubelet"]),
    (
        "containerd.log",
        &["journalctl", "--no-pager", "--output", "short-precise", "--lines", "5000", "--unit", "containerd"],
    ),
    ("containers.log", &["crictl", "ps", "--all"]),
    (
        "pods.log",
        &["find", "/var/log/pods", "-name", "*.log", "-exec", "tail", "--verbose", "--bytes", "65536", "{}", "+"],
    ),
];

/// Every Secret of the cluster, as a list.
const SECRETS: [&str; 9] = [
    "kubectl",
    "--kubeconfig",
    "/etc/kubernetes/admin.conf",
    "--request-timeout=5s",
    "get",
    "secrets",
    "--all-namespaces",
    "--output",
    "json",
];

pub(super) async fn collect(context: &Context, error: &mut ProvisionError) {
    let blueprint = &context.plan.blueprint;
    let folder = blueprint.logs.join(blueprint.name.as_str());
    let known = &tokio::time::timeout(SECRETS_LIMIT, known(context)).await.unwrap_or_default();
    let nodes = context.plan.nodes.iter();
    let logs = nodes.map(|node| tokio::time::timeout(LIMIT, node_logs(context, node, &folder, known)));
    let collected = join_all(logs).await;
    if collected.iter().any(|node| matches!(node, Ok(true))) {
        error.logs = Some(folder);
    }
    let node = error.node.as_ref().unwrap_or(&context.plan.first().name);
    let Some(container) = context.made(node) else { return };
    if let Ok(lines) = tokio::time::timeout(LIMIT, last_lines(context, &container)).await {
        error.evidence = known.left_out_of(&lines);
    }
}

/// What the cluster's Secrets hold, where it is so far that it has any.
async fn known(context: &Context) -> Known {
    let first = context.made(&context.plan.first().name);
    let listed = match &first {
        Some(container) => context.engine.exec(container, &Command::new(SECRETS)).await.ok(),
        None => None,
    };
    let list: Option<Value> = listed.and_then(|output| serde_json::from_slice(&output.stdout).ok());
    Known::of(list.iter().filter_map(|list| list.get("items")?.as_array()).flatten())
}

/// Saves what can be had of a node; whether anything could.
async fn node_logs(context: &Context, node: &PlannedNode, folder: &Path, known: &Known) -> bool {
    // A container of that name that was not made here is somebody else's.
    let Some(container) = context.made(&node.name) else { return false };
    let folder = folder.join(node.name.as_str());
    let mut any = keep(&folder, "engine.log", context.engine.logs(&container, 1000).await.ok(), known);
    for (file, argv) in LOGS {
        let output = context.engine.exec(&container, &Command::new(argv.iter().copied())).await;
        let text = output.ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        any |= keep(&folder, file, text, known);
    }
    any
}

fn keep(folder: &Path, file: &str, text: Option<String>, known: &Known) -> bool {
    let Some(text) = text else { return false };
    save(&folder.join(file), &known.left_out_of(&bounded(&text))).is_ok()
}

/// The kubelet's errors where there are any, else the end of its journal, else what the container printed.
async fn last_lines(context: &Context, node: &str) -> String {
    let journal = ["journalctl", "--no-pager", "--output", "cat", "--unit", "kubelet", "--lines", "60"];
    let kubelet = context.engine.exec(node, &Command::new(journal)).await;
    let kubelet = kubelet.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let errors: Vec<&str> = kubelet.lines().filter(|line| line.starts_with('E') || line.starts_with('F')).collect();
    if !errors.is_empty() {
        return tail(&errors);
    }
    if kubelet.lines().any(|line| !line.starts_with("-- No entries")) {
        return tail(&kubelet.lines().collect::<Vec<_>>());
    }
    let printed = context.engine.logs(node, LINES).await.unwrap_or_default();
    tail(&printed.lines().collect::<Vec<_>>())
}

fn tail(lines: &[&str]) -> String {
    let from = lines.len().saturating_sub(LINES);
    lines[from..].iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}
