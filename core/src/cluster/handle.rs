//! `Cluster`: what a test holds.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use kind_engine::{CommandError, DockerEngine, Engine, EngineChoice, EngineError};
use kube::{Client, Config, config::KubeconfigError};
use tokio::sync::OnceCell;

use super::{
    ClusterRecord, Node,
    client::{client, client_config},
    endpoint,
    kubeconfig_file::KubeconfigFile,
};
use crate::{
    spec::Role,
    wait::{WaitError, deployment_available, nodes_ready},
};

/// A running cluster. Clones are handles on the same one; dropping a handle does nothing to the cluster.
///
/// The engine is only contacted when a node is touched, so that attaching costs next to nothing.
#[derive(Clone)]
pub struct Cluster {
    pub(super) inner: Arc<Inner>,
    pub(super) file: Arc<KubeconfigFile>,
    /// Where it is noted which images every node has; `None` where that is not.
    pub(super) image_notes: Option<Arc<Path>>,
}

pub(super) struct Inner {
    record: ClusterRecord,
    nodes: Nodes,
    engine: OnceCell<Arc<dyn Engine>>,
    /// As this process can use it.
    kubeconfig: OnceCell<String>,
}

/// How the nodes are reached.
enum Nodes {
    /// Through an engine that is looked for when it is first needed; `None` where it is known already.
    Engine(Option<EngineChoice>),
    /// Not at all: the cluster belongs to somebody else.
    OutOfReach,
}

/// Something could not be done with a cluster or one of its nodes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A command in a node.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Something did not come true.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// The cluster belongs to somebody else.
    #[error(
        "reach the nodes of cluster {cluster}: it belongs to somebody else, and only its API is used; a test that takes `Cluster` as a parameter is skipped there"
    )]
    OutOfReach {
        /// The cluster's name.
        cluster: String,
    },
    /// There is no such node.
    #[error("cluster {cluster} has no node {name:?}; it has {nodes}")]
    NoSuchNode {
        /// The cluster's name.
        cluster: String,
        /// The name asked for.
        name: String,
        /// The nodes it has.
        nodes: String,
    },
    /// There is no way to the cluster's API from here.
    #[error("open a port on 127.0.0.1 that leads to the cluster's API through the engine")]
    Tunnel(#[source] std::io::Error),
    /// The kubeconfig is not usable.
    #[error("read the cluster's kubeconfig")]
    Kubeconfig(#[from] KubeconfigError),
    /// The file with the kubeconfig cannot be written.
    #[error("write the cluster's kubeconfig to a file")]
    KubeconfigFile(#[source] std::io::Error),
    /// A client could not be made.
    #[error("make a client for the cluster")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A definition of a custom resource was refused.
    #[error("apply CustomResourceDefinition {name}")]
    Definition {
        /// The definition's name.
        name: String,
        /// The API's answer.
        source: kube::Error,
    },
    /// A worker has no API server.
    #[error("node {node} is a worker: only control planes have an API server")]
    NoApiServer {
        /// The node's name.
        node: String,
    },
    /// Images could not be brought into nodes.
    #[error(transparent)]
    Load(#[from] crate::load::LoadError),
}

impl Cluster {
    /// A handle on a cluster that is up. The engine is looked for when it is first needed.
    pub fn attach(record: ClusterRecord, engine: EngineChoice) -> Self {
        Self::new(record, Nodes::Engine(Some(engine)), OnceCell::new())
    }

    /// A handle on a cluster that is up, on this engine.
    pub fn with_engine(record: ClusterRecord, engine: Arc<dyn Engine>) -> Self {
        Self::new(record, Nodes::Engine(None), OnceCell::new_with(Some(engine)))
    }

    /// A handle on a cluster that belongs to somebody else: its API is there, its nodes are out of reach.
    pub fn visit(record: ClusterRecord) -> Self {
        Self::new(record, Nodes::OutOfReach, OnceCell::new())
    }

    fn new(record: ClusterRecord, nodes: Nodes, engine: OnceCell<Arc<dyn Engine>>) -> Self {
        let inner = Inner { record, nodes, engine, kubeconfig: OnceCell::new() };
        Self { inner: Arc::new(inner), file: Arc::default(), image_notes: None }
    }

    /// Whether the nodes can be reached.
    pub fn is_ours(&self) -> bool {
        matches!(self.inner.nodes, Nodes::Engine(_))
    }

    /// The cluster's name.
    pub fn name(&self) -> &str {
        self.inner.record.name.as_str()
    }

    /// Everything known of the cluster.
    pub fn record(&self) -> &ClusterRecord {
        &self.inner.record
    }

    /// The administrator's kubeconfig, as this process and those that it starts can use it. It holds a private key.
    ///
    /// Where the port that the engine publishes does not lead here (the engine is on another machine, or this process is
    /// in a container), it names a port of this process, which passes connections on through the engine: it is good for
    /// as long as the process lives.
    ///
    /// # Errors
    /// When the published port does not lead here and the engine does not answer.
    pub async fn kubeconfig(&self) -> Result<&str, ClusterError> {
        let find = async || match self.inner.nodes {
            Nodes::Engine(_) => {
                endpoint::kubeconfig(self.record(), async || self.connected().await.map(Arc::clone)).await
            }
            Nodes::OutOfReach => Ok(self.inner.record.kubeconfig.clone()),
        };
        self.inner.kubeconfig.get_or_try_init(find).await.map(String::as_str)
    }

    /// The Kubernetes version, such as `v1.37.2`.
    pub fn kubernetes_version(&self) -> &str {
        &self.inner.record.kubernetes_version
    }

    /// Where this machine pushes images to, as `localhost:40123`; pods use the same names. `None` where the cluster has no
    /// registry ([`ClusterSpec::registry`](crate::spec::ClusterSpec::registry)).
    pub fn registry(&self) -> Option<String> {
        self.inner.record.registry.map(|port| format!("localhost:{port}"))
    }

    /// The nodes, control planes first.
    pub fn nodes(&self) -> Vec<Node> {
        self.inner.record.nodes.iter().map(|node| Node::new(self, node.clone())).collect()
    }

    /// The control planes; the first one initialised the cluster.
    pub fn control_planes(&self) -> Vec<Node> {
        self.nodes().into_iter().filter(|node| node.role() == Role::ControlPlane).collect()
    }

    /// The workers.
    pub fn workers(&self) -> Vec<Node> {
        self.nodes().into_iter().filter(|node| node.role() == Role::Worker).collect()
    }

    /// The node of that name.
    ///
    /// # Errors
    /// When there is none; the error lists those there are.
    pub fn node(&self, name: &str) -> Result<Node, ClusterError> {
        let nodes = self.nodes();
        let names = || nodes.iter().map(Node::name).collect::<Vec<_>>().join(", ");
        nodes.iter().find(|node| node.name() == name).cloned().ok_or_else(|| ClusterError::NoSuchNode {
            cluster: self.name().to_owned(),
            name: name.to_owned(),
            nodes: names(),
        })
    }

    /// A client configuration for the administrator.
    ///
    /// # Errors
    /// When the cluster cannot be reached from here, or the kubeconfig is not usable.
    pub async fn client_config(&self) -> Result<Config, ClusterError> {
        Ok(client_config(self.kubeconfig().await?).await?)
    }

    /// A client for the administrator. It belongs to the current tokio runtime and must not outlive it.
    ///
    /// # Errors
    /// When the kubeconfig is not usable.
    pub async fn client(&self) -> Result<Client, ClusterError> {
        client(self.client_config().await?)
    }

    /// Waits until every node is Ready and the cluster's DNS is available.
    ///
    /// # Errors
    /// When that does not come true within `limit`; the error says what is missing.
    pub async fn wait_ready(&self, limit: Duration) -> Result<(), ClusterError> {
        let client = self.client().await?;
        nodes_ready(&client, &self.inner.record.node_names(), limit).await?;
        deployment_available(&client, "kube-system", "coredns", limit).await?;
        Ok(())
    }

    /// The engine that the nodes run on.
    ///
    /// # Errors
    /// When it does not answer, or the cluster belongs to somebody else.
    pub async fn engine(&self) -> Result<&Arc<dyn Engine>, ClusterError> {
        if self.is_ours() {
            Ok(self.connected().await?)
        } else {
            Err(ClusterError::OutOfReach { cluster: self.name().to_owned() })
        }
    }

    async fn connected(&self) -> Result<&Arc<dyn Engine>, EngineError> {
        let choice = match &self.inner.nodes {
            Nodes::Engine(Some(choice)) => choice.clone(),
            Nodes::Engine(None) | Nodes::OutOfReach => EngineChoice::default(),
        };
        let connect = async || Ok::<_, EngineError>(Arc::new(DockerEngine::find(&choice).await?) as Arc<dyn Engine>);
        self.inner.engine.get_or_try_init(connect).await
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cluster").field(&self.inner.record).finish()
    }
}
