//! Tests on a cluster that somebody else owns (`KIND_TEST_KUBECONFIG`, `USE_EXISTING_CLUSTER`): nothing is provisioned,
//! no engine is asked, and of the cluster only its API is used.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use k8s_openapi::api::core::v1::{Namespace, Node};
use kind_core::{
    access::Access,
    activity::{self, Activity},
    cluster::{Cluster, ClusterRecord, NodeRecord, client_config},
    settings::{ExistingCluster, Settings},
    spec::{ClusterName, NodeName, Role},
};
use kind_lease::{self as lease, Holder, LastWord, Outcome, Visit};
use kube::{Api, Client, api::ListParams};
use tokio::time::timeout;

use super::{
    host::{Held, Host, Refusal},
    request::Wanted,
};
use crate::diagnose::Look;

mod context;
mod error;

use context::Named;
use error::ExistingError;

/// How long the API has for its first answer.
const API_LIMIT: Duration = Duration::from_secs(15);
/// What kubeadm, and everybody since, marks control planes with.
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";

/// Gives out the one cluster that the environment names.
pub(super) struct Existing<'a> {
    pub(super) which: &'a ExistingCluster,
    pub(super) settings: &'a Settings,
}

/// A visit to it.
pub(super) struct Visiting {
    cluster: Cluster,
    kubectl: String,
    visit: Visit,
}

/// What the API says of itself.
struct Facts {
    version: String,
    nodes: Vec<Node>,
    /// What tells it apart from every other cluster, however it is reached.
    identity: String,
}

impl Host for Existing<'_> {
    type Held = Visiting;

    async fn acquire(&self, wanted: &Wanted, access: Access, test: &str) -> Result<Visiting, Refusal> {
        if access == Access::Fresh {
            let reason =
                "it asks for a cluster of its own (`access = \"fresh\"`), and none is made beside somebody else's";
            return Err(Refusal::Unfit(reason.to_owned()));
        }
        let mut named = Named::find(self.which, self.settings)?;
        let through = named.choose_way(&self.settings.proxy_variables)?;
        let kubeconfig = serde_yaml::to_string(&named.kubeconfig)
            .map_err(|error| ExistingError::File { from: named.from.clone(), problem: error.to_string() })?;
        let config = client_config(&kubeconfig).await;
        let config = config.map_err(|source| ExistingError::Kubeconfig { from: named.from.clone(), source })?;
        let server = config.cluster_url.to_string();
        let place =
            format!("{server}{}", through.map(|it| format!(" (through the proxy of {it})")).unwrap_or_default());
        let client = Client::try_from(config).map_err(|error| ExistingError::client(&named.from, &place, error))?;
        let facts = match timeout(API_LIMIT, Facts::ask(&client, &server)).await {
            Ok(Ok(facts)) => facts,
            Ok(Err(source)) => return Err(ExistingError::Api { from: named.from, server: place, source }.into()),
            Err(_) => return Err(ExistingError::NoAnswer { from: named.from, server: place }.into()),
        };
        let nodes: Vec<NodeRecord> = facts.nodes.iter().filter_map(node).collect();
        if let Some(reason) = unfit(wanted, &nodes) {
            return Err(Refusal::Unfit(format!("{reason} (somebody else's cluster, {})", named.from)));
        }
        let mut record = ClusterRecord::existing(name(&named.context), server, kubeconfig);
        record.kubernetes_version = facts.version;
        record.nodes = nodes;
        let holder = Holder { test: test.to_owned() };
        let state_dir = self.settings.state_dir().map_err(|error| Refusal::Failed(Box::new(error)))?;
        let visit = lease::visit(state_dir, &facts.identity, access, &holder).await;
        let visit = visit.map_err(|error| Refusal::Failed(Box::new(error)))?;
        Ok(Visiting { cluster: Cluster::visit(record), kubectl: named.kubectl, visit })
    }
}

impl Held for Visiting {
    fn cluster(&self) -> Cluster {
        self.cluster.clone()
    }

    fn client(&self, config: kube::Config, activity: &Arc<Activity>) -> Result<Client, kube::Error> {
        activity::client(config, activity)
    }

    /// Nobody sees to what a killed test leaves in somebody else's cluster.
    fn uses(&self, _: &str) {}

    fn last_word(&self) -> Option<LastWord> {
        None
    }

    fn look(&self) -> Look {
        Look::With(self.kubectl.clone())
    }

    async fn release(self, _: Outcome) {
        self.visit.leave();
    }
}

impl Facts {
    /// Asks for everything at once. What the user may not see is as if it were not there.
    async fn ask(client: &Client, server: &str) -> kube::Result<Self> {
        let (nodes, namespaces): (Api<Node>, Api<Namespace>) = (Api::all(client.clone()), Api::all(client.clone()));
        let parameters = ListParams::default();
        let (version, nodes, system) =
            tokio::join!(client.apiserver_version(), nodes.list(&parameters), namespaces.get("kube-system"));
        let uid = allowed(system)?.and_then(|namespace| namespace.metadata.uid);
        Ok(Self {
            version: version?.git_version,
            nodes: allowed(nodes)?.map(|list| list.items).unwrap_or_default(),
            identity: uid.unwrap_or_else(|| server.to_owned()),
        })
    }
}

/// Nothing where the API says that this user may not see it.
fn allowed<T>(answer: kube::Result<T>) -> kube::Result<Option<T>> {
    match answer {
        Err(kube::Error::Api(status)) if [403, 404].contains(&status.code) => Ok(None),
        other => other.map(Some),
    }
}

/// Why the test cannot run on a cluster with these nodes. A test that says nothing of its cluster can run on any.
fn unfit(wanted: &Wanted, nodes: &[NodeRecord]) -> Option<String> {
    if !wanted.is_asked_for {
        return None;
    }
    let spec = &wanted.spec;
    if !spec.is_plain() {
        return Some("it asks for a cluster made to measure, for more than numbers of nodes".to_owned());
    }
    let (control_planes, workers) = (spec.of_role(Role::ControlPlane).count(), spec.of_role(Role::Worker).count());
    let have = |role: Role| nodes.iter().filter(|node| node.role == role).count();
    // Where control planes are hidden, as they are in hosted clusters, there is at least one.
    let have = (have(Role::ControlPlane).max(1), have(Role::Worker));
    let lacks = control_planes > have.0 || workers > have.1;
    lacks.then(|| {
        format!(
            "it asks for {} and {}, and finds {} and {}",
            some(control_planes, "control plane"),
            some(workers, "worker"),
            have.0,
            have.1
        )
    })
}

fn some(count: usize, what: impl fmt::Display) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn node(node: &Node) -> Option<NodeRecord> {
    let name = NodeName::existing(node.metadata.name.clone()?);
    let is_control_plane = node.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(CONTROL_PLANE));
    let role = if is_control_plane { Role::ControlPlane } else { Role::Worker };
    let addresses = node.status.as_ref().and_then(|status| status.addresses.as_ref());
    let mut internal = addresses.into_iter().flatten().filter(|address| address.type_ == "InternalIP");
    let address =
        internal.find_map(|address| address.address.parse().ok()).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    Some(NodeRecord::new(name, role, address))
}

/// The context's name as far as a cluster can have it.
fn name(context: &str) -> ClusterName {
    let allowed =
        |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c.to_ascii_lowercase() } else { '-' };
    let text: String = context.chars().map(allowed).collect();
    // The end of a long one, such as a cloud's, says more than its beginning.
    let text = &text[text.len().saturating_sub(38)..];
    ClusterName::new(text.trim_matches(['-', '.'])).unwrap_or_else(|_| ClusterName::new("existing").expect("a name"))
}

#[cfg(test)]
mod tests;
