//! The administrator's kubeconfig of a running cluster, read from its first control plane and pointed at the API as the
//! caller reaches it. Works for clusters of the real kind too.

use kind_engine::{Command, CommandError, ContainerFacts, Engine, EngineError};
use serde_yaml::Value;

use crate::{
    cluster::is_reached,
    inventory,
    spec::{ClusterName, LABEL_ROLE, LOAD_BALANCER_PORT, ROLE_LOAD_BALANCER, Role},
};

/// Where kubeadm leaves it.
const ADMINISTRATOR: &str = "/etc/kubernetes/admin.conf";

/// From where the API is to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// From this machine, through the published port.
    Host,
    /// From containers in the cluster's network.
    Internal,
}

/// A cluster's kubeconfig cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// There is no such cluster.
    #[error("find cluster {name}: there is none of that name; `kind-rs get clusters` lists those that exist")]
    NoCluster {
        /// The name.
        name: ClusterName,
    },
    /// A cluster without control plane: its creation was cut short.
    #[error(
        "read the kubeconfig of cluster {name}: none of its containers is a control plane; delete it and create it anew"
    )]
    NoControlPlane {
        /// The name.
        name: ClusterName,
    },
    /// Nothing on this machine leads to the API.
    #[error(
        "read the kubeconfig of cluster {name}: the API is not published by container {container} ({state}); `kind-rs start cluster --name {name}` starts it"
    )]
    NotPublished {
        /// The name.
        name: ClusterName,
        /// The load balancer, or the only control plane.
        container: String,
        /// The container's state.
        state: String,
    },
    /// The control plane has no kubeconfig.
    #[error("read the kubeconfig of cluster {name}")]
    Command {
        /// The name.
        name: ClusterName,
        /// Why it failed.
        #[source]
        source: CommandError,
    },
    /// What the control plane has is no kubeconfig.
    #[error(
        "read the kubeconfig of cluster {name}: {ADMINISTRATOR} of {container} is not a kubeconfig of one cluster and one user"
    )]
    Unreadable {
        /// The name.
        name: ClusterName,
        /// The control plane.
        container: String,
    },
    /// The engine.
    #[error("ask the engine for cluster {name}")]
    Engine {
        /// The name.
        name: ClusterName,
        /// Why it failed.
        #[source]
        source: EngineError,
    },
}

/// Reads it; cluster, user and context are named as kind names them.
///
/// # Errors
/// When the cluster does not exist, does not run, or the engine does not answer.
pub async fn export(engine: &dyn Engine, name: &ClusterName, reach: Reach) -> Result<String, ExportError> {
    let failed = |source| ExportError::Engine { name: name.clone(), source };
    let containers = inventory::containers(engine, name).await.map_err(failed)?;
    if containers.is_empty() {
        return Err(ExportError::NoCluster { name: name.clone() });
    }
    let control_plane = first_of_role(&containers, &Role::ControlPlane.to_string())
        .ok_or_else(|| ExportError::NoControlPlane { name: name.clone() })?;
    let front = first_of_role(&containers, ROLE_LOAD_BALANCER).unwrap_or(control_plane);
    let machine = engine.facts().await.map_err(failed)?.machine;
    let server = server(front, reach, machine.as_deref()).ok_or_else(|| ExportError::NotPublished {
        name: name.clone(),
        container: front.name.clone(),
        state: front.state.clone(),
    })?;
    let read = engine.exec(&control_plane.name, &Command::new(["cat", ADMINISTRATOR])).await.map_err(failed)?;
    let text = read.success().map_err(|source| ExportError::Command { name: name.clone(), source })?;
    rename(&text, &name.context(), &server)
        .ok_or_else(|| ExportError::Unreadable { name: name.clone(), container: control_plane.name.clone() })
}

/// A running one where there is one: any control plane has the file.
fn first_of_role<'a>(containers: &'a [ContainerFacts], role: &str) -> Option<&'a ContainerFacts> {
    let mut of_role = containers.iter().filter(|container| container.labels.get(LABEL_ROLE).is_some_and(|r| r == role));
    let first = of_role.clone().next();
    of_role.find(|container| container.is_running()).or(first)
}

fn server(front: &ContainerFacts, reach: Reach, machine: Option<&str>) -> Option<String> {
    if reach == Reach::Internal {
        return Some(format!("https://{}:{LOAD_BALANCER_PORT}", front.name));
    }
    let (_, address, port) = front.ports.iter().find(|(inside, _, _)| *inside == LOAD_BALANCER_PORT)?;
    let address = match address.as_str() {
        // What listens everywhere is reached by the engine's machine's name, or at home.
        "" | "0.0.0.0" | "::" => machine.unwrap_or("127.0.0.1"),
        address => address,
    };
    let address = match address {
        v6 if v6.contains(':') => format!("[{v6}]"),
        v4 => v4.to_owned(),
    };
    Some(format!("https://{address}:{port}"))
}

/// Whether the address in a kubeconfig of one of our clusters leads there from here: not where the engine publishes its
/// ports on another machine, or outside of the container that this process is in.
pub async fn leads_from_here(kubeconfig: &str) -> bool {
    is_reached(kubeconfig).await
}

/// The same kubeconfig under other names. `None` where it has not just one cluster and one user.
fn rename(text: &str, context: &str, server: &str) -> Option<String> {
    let file: Value = serde_yaml::from_str(text).ok()?;
    let only = |list: &str, field: &str| match file.get(list)?.as_sequence()?.as_slice() {
        [entry] => entry.get(field).cloned(),
        _ => None,
    };
    let (mut cluster, user) = (only("clusters", "cluster")?, only("users", "user")?);
    cluster.as_mapping_mut()?.insert("server".into(), server.into());
    let named = |field: &str, value: Value| {
        let entry = serde_yaml::Mapping::from_iter([("name".into(), context.into()), (field.into(), value)]);
        Value::Sequence(vec![Value::Mapping(entry)])
    };
    let ends = serde_yaml::Mapping::from_iter([("cluster".into(), context.into()), ("user".into(), context.into())]);
    let renamed = serde_yaml::Mapping::from_iter([
        ("apiVersion".into(), "v1".into()),
        ("kind".into(), "Config".into()),
        ("clusters".into(), named("cluster", cluster)),
        ("users".into(), named("user", user)),
        ("contexts".into(), named("context", Value::Mapping(ends))),
        ("current-context".into(), context.into()),
    ]);
    serde_yaml::to_string(&renamed).ok()
}

#[cfg(test)]
mod tests {
    use kind_engine::{ContainerSpec, FakeEngine, Outcome, PortMapping};

    use super::*;
    use crate::spec::cluster_labels;

    const ADMIN: &str = "apiVersion: v1\nkind: Config\npreferences: {}\nclusters: [{name: x, cluster: {server: 'https://1.2.3.4:6443', \
        certificate-authority-data: QQ==}}]\nusers: [{name: kubernetes-admin, user: {client-key-data: Qg==}}]\n\
        contexts: [{name: kubernetes-admin@x, context: {cluster: x, user: kubernetes-admin}}]\n";

    #[test]
    fn names_and_server_change_and_secrets_stay() {
        let text = rename(ADMIN, "kind-x", "https://127.0.0.1:9").unwrap();
        let file: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(file["clusters"][0]["name"], "kind-x");
        assert_eq!(file["clusters"][0]["cluster"]["server"], "https://127.0.0.1:9");
        assert_eq!(file["clusters"][0]["cluster"]["certificate-authority-data"], "QQ==");
        assert_eq!(file["users"][0]["user"]["client-key-data"], "Qg==");
        assert_eq!(file["contexts"][0]["context"]["user"], "kind-x");
        assert_eq!(file["current-context"], "kind-x");
    }

    #[test]
    fn what_is_no_kubeconfig_is_noticed() {
        for text in ["", "[]", "clusters: []\nusers: []", "{"] {
            assert_eq!(rename(text, "kind-x", "https://x"), None, "{text}");
        }
    }

    #[test]
    fn the_server_is_the_published_port_or_the_containers_name() {
        let front = |address: &str| ContainerFacts {
            name: "x-control-plane".into(),
            ports: vec![(80, "0.0.0.0".into(), 8080), (6443, address.into(), 40000)],
            ..ContainerFacts::default()
        };
        assert_eq!(server(&front("127.0.0.1"), Reach::Host, None).unwrap(), "https://127.0.0.1:40000");
        assert_eq!(server(&front("0.0.0.0"), Reach::Host, None).unwrap(), "https://127.0.0.1:40000");
        assert_eq!(server(&front("0.0.0.0"), Reach::Host, Some("docker")).unwrap(), "https://docker:40000");
        assert_eq!(server(&front("fd00::1"), Reach::Host, None).unwrap(), "https://[fd00::1]:40000");
        assert_eq!(server(&front(""), Reach::Internal, None).unwrap(), "https://x-control-plane:6443");
        assert_eq!(server(&ContainerFacts::default(), Reach::Host, None), None);
    }

    #[tokio::test]
    async fn the_load_balancers_port_and_a_control_planes_file_are_taken() {
        let (engine, name) = (FakeEngine::default(), ClusterName::new("x").unwrap());
        let missing = export(&engine, &name, Reach::Host).await.unwrap_err();
        assert!(matches!(missing, ExportError::NoCluster { .. }));
        for (container, role, port) in [
            ("x-worker", "worker", 1),
            ("x-control-plane", "control-plane", 2),
            ("x-external-load-balancer", ROLE_LOAD_BALANCER, 40000),
        ] {
            let mut labels = cluster_labels(&name);
            labels.insert(LABEL_ROLE.to_owned(), role.to_owned());
            let mapping = PortMapping {
                container_port: LOAD_BALANCER_PORT,
                host_port: Some(port),
                listen_address: std::net::IpAddr::from([127, 0, 0, 1]),
                protocol: kind_engine::Protocol::Tcp,
            };
            let spec =
                ContainerSpec { name: container.into(), labels, ports: vec![mapping], ..ContainerSpec::default() };
            engine.run_container(&spec).await.unwrap();
        }
        engine.when("exec x-control-plane cat", Outcome::Print(ADMIN.to_owned()));
        let text = export(&engine, &name, Reach::Host).await.unwrap();
        assert!(text.contains("server: https://127.0.0.1:40000"), "{text}");
        assert!(
            export(&engine, &name, Reach::Internal)
                .await
                .unwrap()
                .contains("server: https://x-external-load-balancer:6443")
        );
        engine.when("cat", Outcome::Exit(1, "no such file".to_owned()));
        assert!(matches!(export(&engine, &name, Reach::Host).await, Err(ExportError::Command { .. })));
    }
}
