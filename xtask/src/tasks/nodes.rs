//! `kubectl get nodes` of a highly available cluster that others are using meanwhile.

use std::{collections::BTreeMap, time::Duration};

use kind_engine::{Command, ContainerFacts, Engine, Labels};

use super::leftovers::is_copy;
use crate::{
    names::{LABEL_CLUSTER, LABEL_MANAGED, LABEL_ROLE, ROLE_CONTROL_PLANE, ROLE_LOAD_BALANCER},
    wait::{self, Look},
};

const LOOK: Duration = Duration::from_secs(1);
/// Never reached: whoever watches stops when the tests end.
const LIMIT: Duration = Duration::from_secs(24 * 3600);
/// As few control planes as make a cluster highly available.
const HIGHLY_AVAILABLE: usize = 3;

/// Returns the nodes as `kubectl` lists them, as soon as there is a highly available cluster of ours whose nodes are all
/// Ready. Waits for ever where there never is one.
pub(super) async fn ready_nodes(engine: &dyn Engine) -> String {
    let look = async || match nodes_of_any(engine).await {
        Some(nodes) => Look::Done(nodes),
        None => Look::NotYet(String::new()),
    };
    loop {
        if let Ok(nodes) = wait::until("a highly available cluster", LOOK, LIMIT, look).await {
            return nodes;
        }
    }
}

/// An engine or a cluster that does not answer just now is asked again at the next look.
async fn nodes_of_any(engine: &dyn Engine) -> Option<String> {
    let ours = Labels::from([(LABEL_MANAGED.to_owned(), String::new()), (LABEL_CLUSTER.to_owned(), String::new())]);
    let mut containers = engine.containers(&ours).await.ok()?;
    containers.retain(|container| !is_copy(container));
    for nodes in highly_available(&containers) {
        let Some(first) = nodes.iter().find(|node| has_role(node, ROLE_CONTROL_PLANE)) else { continue };
        let kubectl = ["kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf", "get", "nodes", "--output", "wide"];
        let Ok(output) = engine.exec(&first.name, &Command::new(kubectl)).await else { continue };
        if let Some(table) = output.success().ok().filter(|table| all_ready(table, nodes.len())) {
            return Some(table);
        }
    }
    None
}

/// The nodes of each cluster with enough control planes.
fn highly_available(containers: &[ContainerFacts]) -> Vec<Vec<&ContainerFacts>> {
    let mut clusters: BTreeMap<&str, Vec<&ContainerFacts>> = BTreeMap::new();
    for container in containers.iter().filter(|container| !has_role(container, ROLE_LOAD_BALANCER)) {
        if let Some(cluster) = container.labels.get(LABEL_CLUSTER) {
            clusters.entry(cluster).or_default().push(container);
        }
    }
    let control_planes = |nodes: &[&ContainerFacts]| nodes.iter().filter(|n| has_role(n, ROLE_CONTROL_PLANE)).count();
    clusters.into_values().filter(|nodes| control_planes(nodes) >= HIGHLY_AVAILABLE).collect()
}

fn has_role(container: &ContainerFacts, role: &str) -> bool {
    container.labels.get(LABEL_ROLE).is_some_and(|found| found == role)
}

/// Whether a table of `kubectl get nodes` lists that many nodes, all of them Ready.
fn all_ready(table: &str, count: usize) -> bool {
    let mut rows = table.lines().skip(1).map(|row| row.split_whitespace().nth(1));
    rows.clone().count() == count && rows.all(|status| status == Some("Ready"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_counts_when_every_node_is_in_it_and_ready() {
        let table = "NAME STATUS ROLES\na Ready control-plane\nb Ready <none>\n";
        assert!(all_ready(table, 2));
        assert!(!all_ready(table, 3));
        assert!(!all_ready("NAME STATUS ROLES\na Ready x\nb NotReady x\n", 2));
        assert!(!all_ready("", 1));
    }
}
