//! What Kubernetes does not tell: the nodes' journals around the time of the test, and the load balancer's log.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::{StreamExt as _, stream};
use kind_core::{causes::chain, cluster::Cluster};
use kind_engine::{Command, Engine};
use tokio::time::{Instant, timeout_at};

use super::logs::End;

/// The parts of a node whose journals are saved.
const UNITS: [&str; 2] = ["kubelet", "containerd"];
/// How many lines of each.
const LINES: &str = "2000";
/// How many lines of the load balancer's log.
const BALANCER_LINES: usize = 1000;
/// How many nodes are looked at, and how many at the same time.
const MOST: usize = 20;
const AT_ONCE: usize = 4;
/// What happened shortly before a test may explain it, too.
const BEFORE: Duration = Duration::from_secs(30);

/// Files and texts, and what could not be had.
#[derive(Default)]
pub(super) struct Machines {
    pub(super) files: Vec<(String, String)>,
    pub(super) missing: Vec<String>,
}

/// Looks, and stops looking at the deadline.
pub(super) async fn look(cluster: &Cluster, since: SystemTime, deadline: Instant) -> Machines {
    let mut found = Machines::default();
    if !cluster.is_ours() {
        found.missing.push("journals of the nodes: the cluster is somebody else's".to_owned());
        return found;
    }
    let engine = match timeout_at(deadline, cluster.engine()).await {
        Ok(Ok(engine)) => &**engine,
        Ok(Err(error)) => {
            found.missing.push(format!("journals of the nodes: {}", chain(&error)));
            return found;
        }
        Err(_) => {
            found.missing.push("journals of the nodes: the engine does not answer".to_owned());
            return found;
        }
    };
    let record = cluster.record();
    let since = since.checked_sub(BEFORE).and_then(|since| since.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let nodes: Vec<&str> = record.nodes.iter().take(MOST).map(|node| node.container().as_str()).collect();
    let wanted = nodes.iter().flat_map(|node| UNITS.map(|unit| (*node, unit)));
    let journals = stream::iter(wanted).map(|(node, unit)| async move {
        let journal = timeout_at(deadline, journal(engine, node, unit, since)).await;
        (node, unit, journal.unwrap_or_else(|_| Err("no answer in time".to_owned())))
    });
    for (node, unit, journal) in journals.buffered(AT_ONCE).collect::<Vec<_>>().await {
        match journal {
            Ok(text) => found.files.push((format!("nodes/{node}/{unit}.log"), text)),
            Err(why) => found.missing.push(format!("{unit}'s journal of {node}: {why}")),
        }
    }
    if record.nodes.len() > MOST {
        found.missing.push(format!("journals of {} more nodes: too many", record.nodes.len() - MOST));
    }
    if let Some(balancer) = &record.load_balancer {
        match timeout_at(deadline, engine.logs(balancer.as_str(), BALANCER_LINES)).await {
            Ok(Ok(text)) => found.files.push(("load-balancer.log".to_owned(), end(text.as_bytes()))),
            Ok(Err(error)) => found.missing.push(format!("the load balancer's log: {error}")),
            Err(_) => found.missing.push("the load balancer's log: no answer in time".to_owned()),
        }
    }
    found
}

async fn journal(engine: &dyn Engine, node: &str, unit: &str, since: Duration) -> Result<String, String> {
    let since = format!("--since=@{}", since.as_secs());
    let command = ["journalctl", "--no-pager", "--output=short-precise", "--unit", unit, "--lines", LINES, &since];
    let output = engine.exec(node, &Command::new(command)).await.map_err(|error| error.to_string())?;
    if output.exit_code == 0 { Ok(end(&output.stdout)) } else { Err(end(&output.stderr).trim().replace('\n', " ")) }
}

fn end(bytes: &[u8]) -> String {
    let mut end = End::default();
    end.push(bytes);
    end.text()
}
