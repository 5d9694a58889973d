//! After a failed step: every node's logs into a folder, and the lines that tell most into the error.
//!
//! Nothing here may fail the caller: what cannot be had is left out.

use std::{path::Path, time::Duration};

use futures::future::join_all;
use kind_engine::Command;

use super::{context::Context, plan::PlannedNode, steps::ProvisionError};

/// How long collecting may take on one node; an engine that hangs must not hold up the error.
const LIMIT: Duration = Duration::from_secs(30);
/// How many lines go into the error.
const LINES: usize = 12;

/// What is saved of every node: a file name and the command whose output it holds.
const LOGS: [(&str, &[&str]); 5] = [
    ("journal.log", &["journalctl", "--no-pager", "--output", "short-precise"]),
    ("kubelet.log", &["journalctl", "--no-pager", "--output", "short-precise", "--unit", "kubelet"]),
    ("containerd.log", &["journalctl", "--no-pager", "--output", "short-precise", "--unit", "containerd"]),
    ("containers.log", &["crictl", "ps", "--all"]),
    ("pods.log", &["grep", "--recursive", "--no-messages", "", "/var/log/pods"]),
];

pub(super) async fn collect(context: &Context, error: &mut ProvisionError) {
    let blueprint = &context.plan.blueprint;
    let folder = blueprint.logs.join(blueprint.name.as_str());
    let nodes = context.plan.nodes.iter();
    let collected = join_all(nodes.map(|node| tokio::time::timeout(LIMIT, node_logs(context, node, &folder)))).await;
    if collected.iter().any(|node| matches!(node, Ok(true))) {
        error.logs = Some(folder);
    }
    let node = error.node.as_ref().unwrap_or(&context.plan.first().name);
    let Some(container) = context.made(node) else { return };
    if let Ok(lines) = tokio::time::timeout(LIMIT, last_lines(context, &container)).await {
        error.evidence = lines;
    }
}

/// Saves what can be had of a node; whether anything could.
async fn node_logs(context: &Context, node: &PlannedNode, folder: &Path) -> bool {
    // A container of that name that was not made here is somebody else's.
    let Some(container) = context.made(&node.name) else { return false };
    let folder = folder.join(node.name.as_str());
    if tokio::fs::create_dir_all(&folder).await.is_err() {
        return false;
    }
    let mut any = save(&folder, "engine.log", context.engine.logs(&container, 1000).await.ok()).await;
    for (file, argv) in LOGS {
        let output = context.engine.exec(&container, &Command::new(argv.iter().copied())).await;
        any |=
            save(&folder, file, output.ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())).await;
    }
    any
}

async fn save(folder: &Path, file: &str, text: Option<String>) -> bool {
    let Some(text) = text else { return false };
    tokio::fs::write(folder.join(file), text).await.is_ok()
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
