//! `kind-rs get nodes`.

use kind_core::{
    inventory,
    spec::{LABEL_CLUSTER, LABEL_ROLE, ROLE_LOAD_BALANCER, is_node},
};
use kind_engine::ContainerFacts;
use serde::Serialize;

use crate::{args::GetNodes, failure::Failure, output::print_as, session::Session};

/// A node, as documents have it.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    cluster: &'a str,
    /// `control-plane`, `worker` or `external-load-balancer`.
    role: &'a str,
    /// The container's state, such as `running`.
    state: &'a str,
    image: &'a str,
    /// Published TCP ports.
    ports: Vec<Port<'a>>,
}

#[derive(Serialize)]
struct Port<'a> {
    #[serde(rename = "containerPort")]
    container: u16,
    #[serde(rename = "listenAddress")]
    address: &'a str,
    #[serde(rename = "hostPort")]
    host: u16,
}

pub(crate) async fn run(session: &Session<'_>, args: GetNodes) -> Result<(), Failure> {
    let (mut nodes, none) = if args.all_clusters {
        let engine = session.engine().await?;
        (inventory::all_containers(&*engine).await?, "there is no cluster".to_owned())
    } else {
        let name = session.cluster_name(args.name.given(), None)?;
        let engine = session.engine().await?;
        (
            inventory::containers(&*engine, &name).await?,
            format!("cluster {name} has no nodes; is there such a cluster?"),
        )
    };
    // The load balancer is listed, as by kind; what kind does not know is not.
    let is_balancer = |role: &String| role == ROLE_LOAD_BALANCER;
    nodes.retain(|node| is_node(&node.labels) || node.labels.get(LABEL_ROLE).is_some_and(is_balancer));
    if nodes.is_empty() {
        session.console.note(&none);
    }
    let names = nodes.iter().map(|node| &node.name);
    print_as(args.output, &nodes.iter().map(listed).collect::<Vec<_>>(), names)
}

fn listed(node: &ContainerFacts) -> Listed<'_> {
    let label = |name: &str| node.labels.get(name).map(String::as_str).unwrap_or_default();
    Listed {
        name: &node.name,
        cluster: label(LABEL_CLUSTER),
        role: label(LABEL_ROLE),
        state: &node.state,
        image: &node.image,
        ports: node
            .ports
            .iter()
            .map(|(inside, address, outside)| Port { container: *inside, address, host: *outside })
            .collect(),
    }
}
