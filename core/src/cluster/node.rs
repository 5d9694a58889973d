//! One node of a running cluster: commands, files, and every way to make it fail.

use std::{fmt, net::IpAddr, path::Path, time::Duration};

use kind_engine::{Command, ExecOutput, NodeFile};
use kube::{Client, Config};

use super::{Cluster, ClusterError, NodeRecord, client::client, servers::of_one};
use crate::{
    spec::Role,
    wait::{Check, until},
};

/// How long a started node may take to accept commands.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a stopped node has to end its processes before they are killed.
const STOP_GRACE_SECONDS: i32 = 30;

/// One node of a running cluster.
#[derive(Clone)]
pub struct Node {
    cluster: Cluster,
    record: NodeRecord,
}

impl Node {
    pub(super) fn new(cluster: &Cluster, record: NodeRecord) -> Self {
        Self { cluster: cluster.clone(), record }
    }

    /// The cluster it belongs to.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The node's name in Kubernetes.
    pub fn name(&self) -> &str {
        self.record.name.as_str()
    }

    /// What the engine calls the node; a clone's nodes have names of their own there.
    pub fn container(&self) -> &str {
        self.record.container().as_str()
    }

    /// Control plane or worker.
    pub fn role(&self) -> Role {
        self.record.role
    }

    /// The node's address inside the cluster's network. The host does not reach it.
    pub fn address(&self) -> IpAddr {
        self.record.address
    }

    /// The configuration of an administrator's client that asks this control plane's API server and no other one: through
    /// the load balancer, which goes by the name that TLS asks for.
    ///
    /// # Errors
    /// When the node is a worker, or the cluster belongs to somebody else.
    pub async fn client_config(&self) -> Result<Config, ClusterError> {
        if !self.cluster.is_ours() {
            return Err(ClusterError::OutOfReach { cluster: self.cluster.name().to_owned() });
        }
        if self.role() != Role::ControlPlane {
            return Err(ClusterError::NoApiServer { node: self.name().to_owned() });
        }
        Ok(of_one(self.cluster.client_config().await?, &self.record.name))
    }

    /// A client with that configuration. It belongs to the current tokio runtime and must not outlive it.
    ///
    /// # Errors
    /// When the node is a worker, or the cluster belongs to somebody else.
    pub async fn client(&self) -> Result<Client, ClusterError> {
        client(self.client_config().await?)
    }

    /// Runs a command as root and returns its standard output.
    ///
    /// # Errors
    /// When it cannot be run, or exits with another code than 0.
    pub async fn exec<I, S>(&self, argv: I) -> Result<String, ClusterError>
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Ok(self.run(&Command::new(argv)).await?.success()?)
    }

    /// Runs a command as root, with standard input and environment if need be, and returns how it ended.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn run(&self, command: &Command) -> Result<ExecOutput, ClusterError> {
        Ok(self.cluster.engine().await?.exec(self.container(), command).await?)
    }

    /// Writes files; parent folders are made.
    ///
    /// # Errors
    /// When the node is gone.
    pub async fn write_files(&self, files: &[NodeFile]) -> Result<(), ClusterError> {
        Ok(self.cluster.engine().await?.write_files(self.container(), files).await?)
    }

    /// Packs a file or folder of the node as a tar file on this machine.
    ///
    /// # Errors
    /// When there is no such path.
    pub async fn download_tar(&self, path: &str, tar: &Path) -> Result<(), ClusterError> {
        Ok(self.cluster.engine().await?.download_tar(self.container(), path, tar).await?)
    }

    /// Whether the node runs; a frozen one does too.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn is_running(&self) -> Result<bool, ClusterError> {
        let facts = self.cluster.engine().await?.container(self.container()).await?;
        Ok(facts.is_some_and(|facts| facts.is_running()))
    }

    /// Shuts the node down, as its power button would.
    ///
    /// # Errors
    /// When the node is gone.
    pub async fn stop(&self) -> Result<(), ClusterError> {
        Ok(self.cluster.engine().await?.stop_container(self.container(), STOP_GRACE_SECONDS).await?)
    }

    /// Kills every process of the node at once, as a pulled plug would.
    ///
    /// # Errors
    /// When the node is gone or does not run.
    pub async fn kill(&self) -> Result<(), ClusterError> {
        Ok(self.cluster.engine().await?.signal_container(self.container(), "SIGKILL").await?)
    }

    /// Starts a stopped or killed node and returns when it accepts commands; [`Cluster::wait_ready`] waits for
    /// Kubernetes on it.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(&self) -> Result<(), ClusterError> {
        let engine = self.cluster.engine().await?;
        engine.start_container(self.container()).await?;
        let command = Command::new(["true"]);
        until(format!("{} to accept commands", self.name()), START_LIMIT, async || {
            match engine.exec(self.container(), &command).await {
                Ok(output) if output.exit_code == 0 => Check::Done(()),
                Ok(output) => Check::not_yet(String::from_utf8_lossy(&output.stderr)),
                Err(error) => Check::not_yet(error),
            }
        })
        .await?;
        Ok(())
    }

    /// Freezes the node: its connections stay open and nothing answers, as on a hung machine.
    ///
    /// # Errors
    /// When the node is gone or does not run.
    pub async fn pause(&self) -> Result<(), ClusterError> {
        Ok(self.cluster.engine().await?.pause_container(self.container()).await?)
    }

    /// Thaws a frozen node.
    ///
    /// # Errors
    /// When the node is gone or is not frozen.
    pub async fn unpause(&self) -> Result<(), ClusterError> {
        Ok(self.cluster.engine().await?.unpause_container(self.container()).await?)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Node").field(&self.record).finish()
    }
}
