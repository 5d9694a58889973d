//! What every step works with, and how it runs commands in nodes.

use std::sync::Arc;

use kind_engine::{Command, Engine, EngineFacts};

use super::{
    authority::Authority,
    plan::{Plan, PlannedNode},
    steps::{Failure, OnNode as _},
};

/// The administrator's kubeconfig inside a control plane.
pub(super) const ADMINISTRATOR: &str = "/etc/kubernetes/admin.conf";

pub(super) struct Context {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) plan: Plan,
    /// The machine that the nodes run on.
    pub(super) machine: EngineFacts,
    pub(super) authority: Authority,
    /// The token that joining nodes show.
    pub(super) token: String,
}

impl Context {
    /// Runs a command in a node and returns what it printed.
    pub(super) async fn run(&self, node: &PlannedNode, command: Command) -> Result<String, Failure> {
        let output = self.engine.exec(node.name.as_str(), &command).await.on(&node.name)?;
        tracing::debug!(node = node.name.as_str(), command = command.argv.join(" "), exit = output.exit_code,
            stderr = %String::from_utf8_lossy(&output.stderr), "ran");
        output.success().on(&node.name)
    }
}
