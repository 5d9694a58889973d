//! The errors that a bring-up ends in.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use kind_engine::{CommandError, EngineError};

use super::Expired;
use crate::{spec::NodeName, wait::WaitError};

/// A cluster could not be brought up.
#[derive(Debug, thiserror::Error)]
#[error("{step}{}: failed after {:.1} s{}", on(node.as_ref()), elapsed.as_secs_f64(), aftermath(evidence, logs.as_ref(), remains))]
pub struct ProvisionError {
    /// The step that failed.
    pub step: &'static str,
    /// The node it failed on, where it was one.
    pub node: Option<NodeName>,
    /// How long the step had taken.
    pub elapsed: Duration,
    /// The last lines of the journal that tells most.
    pub evidence: String,
    /// The folder with every node's logs.
    pub logs: Option<PathBuf>,
    /// What became of what had been made.
    pub remains: Remains,
    /// Why it failed.
    #[source]
    pub source: StepError,
}

/// What became of what a failed bring-up had made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remains {
    /// All of it was removed.
    Removed,
    /// The containers were left for a look, as asked.
    Retained,
    /// It could not be removed, for this reason.
    Left(String),
}

fn on(node: Option<&NodeName>) -> String {
    node.map(|name| format!(" on {name}")).unwrap_or_default()
}

fn aftermath(evidence: &str, logs: Option<&PathBuf>, remains: &Remains) -> String {
    let mut text = String::new();
    for line in evidence.lines() {
        write!(text, "\n    {line}").expect("a String takes every text");
    }
    if let Some(folder) = logs {
        write!(text, "\n  logs of every node: {}", folder.display()).expect("a String takes every text");
    }
    match remains {
        Remains::Removed => {}
        Remains::Retained => text.push_str("\n  the containers were left for a look, as asked"),
        Remains::Left(why) => {
            write!(text, "\n  what was made could not be removed: {why}").expect("a String takes every text");
        }
    }
    text
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A command in a node.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Something did not come true.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// The cluster's API.
    #[error("talk to the cluster's API")]
    Api(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A component of a node does not stay up.
    #[error("{component} ends at once, {times} times so far: {words}")]
    Crashing {
        /// The component.
        component: String,
        /// How often it ended.
        times: u32,
        /// What it ended with.
        words: String,
    },
    /// The step's own limit.
    #[error("not done within its limit of {} s{}", limit.as_secs(), still_on(nodes))]
    TimedOut {
        /// The limit.
        limit: Duration,
        /// The nodes that it had not done.
        nodes: Vec<NodeName>,
    },
    /// The limit of the whole bring-up.
    #[error("{source}; under way were: {}", under_way.join(", "))]
    Expired {
        /// The limit.
        source: Expired,
        /// The steps that had not ended, with their nodes.
        under_way: Vec<String>,
    },
    /// A node with that name is there already.
    #[error(
        "a cluster named {name:?} exists already: {containers}; choose another name, or delete it first (`kind-rs delete cluster --name {name}`)"
    )]
    NameTaken {
        /// The cluster's name.
        name: String,
        /// Its containers.
        containers: String,
    },
    /// Somebody removed what had been made so far.
    #[error("cluster {name} was deleted while it was being created")]
    Deleted {
        /// The cluster's name.
        name: crate::spec::ClusterName,
    },
    /// A container that is none of this cluster's has a name that the cluster needs.
    #[error(
        "a container named {container} is there already, and the cluster needs that name{}; remove or rename that container, or choose another cluster name",
        for_what(*purpose)
    )]
    ContainerTaken {
        /// The container.
        container: String,
        /// What the name is needed for, where that is no node.
        purpose: Option<&'static str>,
    },
    /// A port of the host is taken.
    #[error("{setting}: port {port} on {address} is taken by {}; choose another port, or leave it out for a free one", by.as_deref().unwrap_or("another program"))]
    PortTaken {
        /// Where the specification says it, such as `networking.apiServerPort`.
        setting: String,
        /// The address to listen on.
        address: std::net::IpAddr,
        /// The port.
        port: u16,
        /// The container that has it, where it is one.
        by: Option<String>,
    },
    /// The node image is not on the engine.
    #[error("node image {image:?} is not on the engine: `kind-rs build node-image` builds the default one")]
    NoImage {
        /// The reference.
        image: String,
    },
    /// The image cannot balance the load.
    #[error(
        "node image {image:?} has no nginx: several control planes need a load balancer image beside it; `kind-rs build base-image` makes one in about a minute"
    )]
    NoLoadBalancer {
        /// The reference.
        image: String,
    },
    /// The image has no registry.
    #[error(
        "node image {image:?} has no registry: one that `kind-rs build node-image` builds today has, `kindest/node` has not"
    )]
    NoRegistry {
        /// The reference.
        image: String,
    },
    /// The machine has too little of something that nodes take.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Short(Vec<kind_images::machine::Shortage>),
    /// There is no range of addresses for the cluster's network.
    #[error(
        "find a range of addresses for the cluster's network: each of {pools} that is large enough meets a route of the engine's machine, another network of the engine, or the cluster's own pods and services; name others in KIND_TEST_NETWORKS"
    )]
    NoRange {
        /// Where it was looked for.
        pools: crate::spec::NetworkPools,
    },
    /// The specification is not valid.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Spec(Vec<crate::spec::SpecError>),
    /// A patch of the specification.
    #[error(transparent)]
    Patch(#[from] crate::render::PatchError),
    /// A node asks for more than there is.
    #[error("{node} asks for {problem}")]
    TooMuch {
        /// The node.
        node: NodeName,
        /// What it asks for, and how much there is.
        problem: String,
    },
    /// The engine runs without root, and no node runs on it as it is.
    #[error("run nodes on an engine without root: {obstacle}")]
    Rootless {
        /// What stands against it, and what to do.
        obstacle: String,
    },
    /// Services would not work.
    #[error("run kube-proxy in mode {mode:?}: {problem}; `networking.kubeProxyMode` may be iptables, nftables or none")]
    ServiceProxy {
        /// The mode.
        mode: &'static str,
        /// What it lacks.
        problem: String,
    },
    /// Images could not be brought into nodes.
    #[error(transparent)]
    Load(Box<crate::load::LoadError>),
    /// A manifest was refused.
    #[error("apply manifest {path}: {words}")]
    Manifest {
        /// Its path.
        path: String,
        /// What kubectl said.
        words: String,
    },
    /// Certificates could not be made.
    #[error("make the cluster's certificates")]
    Certificates(#[from] rcgen::Error),
}

fn for_what(purpose: Option<&'static str>) -> String {
    purpose.map(|purpose| format!(" for its {purpose}")).unwrap_or_default()
}

fn still_on(nodes: &[NodeName]) -> String {
    let names: Vec<&str> = nodes.iter().map(NodeName::as_str).collect();
    if names.is_empty() { String::new() } else { format!(", still under way on {}", names.join(", ")) }
}

/// A failed step and the node it failed on.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) node: Option<NodeName>,
    pub(super) source: StepError,
}

impl<E: Into<StepError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { node: None, source: error.into() }
    }
}

/// Names the node an error happened on.
pub(super) trait OnNode<T> {
    fn on(self, node: &NodeName) -> Result<T, Failure>;
}

impl<T, E: Into<StepError>> OnNode<T> for Result<T, E> {
    fn on(self, node: &NodeName) -> Result<T, Failure> {
        self.map_err(|error| Failure { node: Some(node.clone()), source: error.into() })
    }
}
