//! The ports that a cluster publishes, brought to this machine where the engine publishes them elsewhere: on another
//! machine, in another network, or outside of the container that this process runs in.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use kind_engine::{ContainerFacts, Engine, EngineError};

use crate::{
    cluster::{Route, listen},
    inventory,
    spec::{ClusterName, LABEL_ROLE, Role},
};

/// A port of this machine that leads to a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Where this process listens.
    pub address: SocketAddr,
    /// The container.
    pub container: String,
    /// Its port.
    pub port: u16,
}

/// Ports could not be brought here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TunnelError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// There is no such cluster.
    #[error("find cluster {name}: there is none of that name; `kind-rs get clusters` lists those that exist")]
    NoCluster {
        /// The name.
        name: ClusterName,
    },
    /// No running container of it publishes a TCP port.
    #[error("open a tunnel to cluster {name}: none of its running containers publishes a port; start it first")]
    NothingPublished {
        /// The name.
        name: ClusterName,
    },
    /// Something listens there already.
    #[error(
        "listen on {address}, which is published by container {container}: where the engine publishes its ports here, no tunnel is needed"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The container.
        container: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Listens on this machine's loopback on every TCP port that the cluster publishes, under the same number, so that
/// kubeconfigs and URLs that name the published ports hold. Connections go through the engine. It lasts as long as the
/// process.
///
/// # Errors
/// When there is no such cluster, nothing of it is published, a port is taken, or the engine does not answer.
pub async fn open(engine: &Arc<dyn Engine>, name: &ClusterName) -> Result<Vec<Opened>, TunnelError> {
    let containers = inventory::containers(&**engine, name).await?;
    if containers.is_empty() {
        return Err(TunnelError::NoCluster { name: name.clone() });
    }
    let wanted = wanted(&containers);
    if wanted.is_empty() {
        return Err(TunnelError::NothingPublished { name: name.clone() });
    }
    let mut opened = Vec::new();
    for (Opened { address, container, port }, route) in wanted {
        let address = listen(address, route, Arc::clone(engine)).map_err(|source| TunnelError::Listen {
            address,
            container: container.clone(),
            source,
        })?;
        opened.push(Opened { address, container, port });
    }
    Ok(opened)
}

/// Every published port once, with the way to it: through its own container, else through a control plane.
fn wanted(containers: &[ContainerFacts]) -> Vec<(Opened, Route)> {
    let running = || containers.iter().filter(|container| container.is_running());
    let control_plane = Role::ControlPlane.to_string();
    let is_control_plane = |container: &&ContainerFacts| container.labels.get(LABEL_ROLE) == Some(&control_plane);
    let mut wanted: Vec<(Opened, Route)> = Vec::new();
    for container in running() {
        for (inside, address, outside) in &container.ports {
            // Listening everywhere is for the engine's machine to decide, not for this one.
            let is_v6 = address.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6() && !address.is_unspecified());
            let loopback: IpAddr = if is_v6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
            let address = SocketAddr::new(loopback, *outside);
            if wanted.iter().any(|(known, _)| known.address == address) {
                continue;
            }
            let others = running().filter(is_control_plane).map(|other| &other.name);
            let others = others.filter(|other| **other != container.name);
            let through = [&container.name].into_iter().chain(others).cloned().collect();
            let route = Route { containers: through, target: format!("{}:{inside}", container.name) };
            wanted.push((Opened { address, container: container.name.clone(), port: *inside }, route));
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use kind_engine::FakeEngine;

    use super::*;

    fn container(name: &str, role: &str, ports: &[(u16, &str, u16)]) -> ContainerFacts {
        ContainerFacts {
            name: name.to_owned(),
            labels: [(LABEL_ROLE.to_owned(), role.to_owned())].into(),
            state: "running".to_owned(),
            ports: ports.iter().map(|(inside, at, outside)| (*inside, (*at).to_owned(), *outside)).collect(),
            ..ContainerFacts::default()
        }
    }

    #[test]
    fn every_published_port_of_what_runs_is_brought_once() {
        let stopped = ContainerFacts { state: "exited".to_owned(), ..container("c", "worker", &[(1, "127.0.0.1", 9)]) };
        let containers = [
            container("a", "control-plane", &[(80, "0.0.0.0", 8080), (80, "::", 8080)]),
            container("b", "external-load-balancer", &[(6443, "127.0.0.1", 20001)]),
            stopped,
        ];
        let wanted = wanted(&containers);
        let short = wanted.iter().map(|(opened, route)| {
            format!("{} {} through {}", opened.address, route.target, route.containers.join(" "))
        });
        let expected = ["127.0.0.1:8080 a:80 through a", "127.0.0.1:20001 b:6443 through b a"];
        assert_eq!(short.collect::<Vec<_>>(), expected);
    }

    #[tokio::test]
    async fn a_cluster_that_is_not_there_is_named() {
        let engine: Arc<dyn Engine> = Arc::new(FakeEngine::default());
        let error = open(&engine, &ClusterName::new("x").unwrap()).await.unwrap_err();
        assert!(matches!(error, TunnelError::NoCluster { .. }), "{error}");
    }
}
