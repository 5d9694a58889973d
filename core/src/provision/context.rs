//! What every step works with, and how it runs commands in nodes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use ipnet::IpNet;
use kind_engine::{Command, ContainerSpec, Engine, EngineFacts, ExecOutput, NodeFile};

use super::{
    authority::Authority,
    plan::{Plan, PlannedNode},
    steps::{Failure, OnNode as _},
    taken,
};
use crate::spec::NodeName;

/// The administrator's kubeconfig inside a control plane.
pub(super) const ADMINISTRATOR: &str = "/etc/kubernetes/admin.conf";

/// A cluster's network as the engine has it.
pub(super) struct Network {
    /// The engine's identifier.
    pub(super) id: String,
    /// The ranges of its addresses.
    pub(super) ranges: Vec<IpNet>,
}

pub(super) struct Context {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) plan: Plan,
    /// The machine that the nodes run on.
    pub(super) machine: EngineFacts,
    pub(super) authority: Authority,
    /// The token that joining nodes show.
    pub(super) token: String,
    /// The engine's identifier of the container that has the cluster's name until the first control plane has it.
    pub(super) reservation: OnceLock<String>,
    /// The cluster's network, once it is there.
    pub(super) network: OnceLock<Network>,
    /// The engine's identifiers of the containers that were made. A name may be another's a moment later.
    pub(super) made: Mutex<BTreeMap<NodeName, String>>,
}

impl Context {
    /// Runs a container in the name of this creation.
    pub(super) async fn run_container(&self, name: &NodeName, spec: ContainerSpec) -> Result<(), Failure> {
        match self.plan.blueprint.creation.container(&self.engine, spec).await {
            Ok(id) => {
                self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), id);
                Ok(())
            }
            Err(error) => Err(taken::explain(self, name, error).await).on(name),
        }
    }

    /// The network that containers are attached to.
    pub(super) fn network(&self) -> String {
        self.network.get().map_or_else(|| self.plan.blueprint.name.network(), |network| network.id.clone())
    }

    /// What a node or a registry is told of this machine's proxies.
    pub(super) fn proxies(&self) -> BTreeMap<String, String> {
        let blueprint = &self.plan.blueprint;
        let ranges = self.network.get().map_or(&[][..], |network| &network.ranges);
        let names = self.plan.nodes.iter().map(|node| &node.name).chain(&self.plan.load_balancer);
        blueprint.proxy.environment(&blueprint.spec.networking, ranges, names.map(ToString::to_string))
    }

    /// The engine's identifier of a container that this creation made.
    pub(super) fn made(&self, name: &NodeName) -> Option<String> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// How the engine is asked for a container: by its identifier, once it is there.
    fn container(&self, name: &NodeName) -> String {
        self.made(name).unwrap_or_else(|| name.to_string())
    }

    /// Runs a command in a container, whatever its exit code.
    pub(super) async fn exec(&self, name: &NodeName, command: &Command) -> Result<ExecOutput, Failure> {
        let output = self.engine.exec(&self.container(name), command).await.on(name)?;
        Ok(ExecOutput { container: name.to_string(), ..output })
    }

    /// Writes files into a container.
    pub(super) async fn write_files(&self, name: &NodeName, files: &[NodeFile]) -> Result<(), Failure> {
        self.engine.write_files(&self.container(name), files).await.on(name)
    }

    /// Whether a container runs.
    pub(super) async fn is_running(&self, name: &NodeName) -> Result<bool, Failure> {
        let facts = self.engine.container(&self.container(name)).await.on(name)?;
        Ok(facts.is_some_and(|facts| facts.is_running()))
    }

    /// Runs a command in a node and returns what it printed.
    pub(super) async fn run(&self, node: &PlannedNode, command: Command) -> Result<String, Failure> {
        let output = self.exec(&node.name, &command).await?;
        tracing::debug!(node = node.name.as_str(), command = command.argv.join(" "), exit = output.exit_code,
            stderr = %String::from_utf8_lossy(&output.stderr), "ran");
        output.success().on(&node.name)
    }
}
