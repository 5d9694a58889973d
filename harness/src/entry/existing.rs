//! Tests on a cluster that somebody else owns (`KIND_TEST_KUBECONFIG`, `USE_EXISTING_CLUSTER`): nothing is provisioned,
//! no engine is asked, and of the cluster only its API is used.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::{
    Api, Client,
    api::ListParams,
    config::{Kubeconfig, KubeconfigError},
};
use tokio::time::timeout;

use crate::{
    activity::{self, Activity},
    cluster::{Cluster, ClusterRecord, NodeRecord, foreign_client_config},
    diagnose::Look,
    kubeconfig::KubeconfigFiles,
    lease::{self, Access, Holder, LastWord, Outcome, Visit},
    settings::{ExistingCluster, Settings},
    spec::{ClusterName, ClusterSpec, NodeName, NodeSpec, Role},
};

use super::{
    host::{Held, Host, Refusal},
    request::Wanted,
};

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

/// The named cluster cannot be used.
#[derive(Debug, thiserror::Error)]
enum ExistingError {
    #[error("use the cluster of {from}: {problem}")]
    File { from: String, problem: String },
    #[error("use the cluster of {from}")]
    Kubeconfig {
        from: String,
        #[source]
        source: KubeconfigError,
    },
    #[error("make a client for the cluster of {from}")]
    Client {
        from: String,
        #[source]
        source: kube::Error,
    },
    #[error("reach the API at {server}, which {from} names: is it up, and is it the right context?")]
    Api {
        from: String,
        server: String,
        #[source]
        source: kube::Error,
    },
    #[error("reach the API at {server}, which {from} names: no answer within {} s; is it up, and is it the right context?", API_LIMIT.as_secs())]
    NoAnswer { from: String, server: String },
}

impl From<ExistingError> for Refusal {
    fn from(error: ExistingError) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// The current context of the kubeconfig.
struct Named {
    /// Where it comes from, for messages.
    from: String,
    context: String,
    kubeconfig: Kubeconfig,
    /// The command that a person looks with.
    kubectl: String,
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
        let named = self.named()?;
        let kubeconfig = serde_yaml::to_string(&named.kubeconfig)
            .map_err(|error| ExistingError::File { from: named.from.clone(), problem: error.to_string() })?;
        let config = foreign_client_config(&kubeconfig).await;
        let config = config.map_err(|source| ExistingError::Kubeconfig { from: named.from.clone(), source })?;
        let server = config.cluster_url.to_string();
        let client = Client::try_from(config);
        let client = client.map_err(|source| ExistingError::Client { from: named.from.clone(), source })?;
        let facts = match timeout(API_LIMIT, Facts::ask(&client, &server)).await {
            Ok(Ok(facts)) => facts,
            Ok(Err(source)) => return Err(ExistingError::Api { from: named.from, server, source }.into()),
            Err(_) => return Err(ExistingError::NoAnswer { from: named.from, server }.into()),
        };
        let nodes: Vec<NodeRecord> = facts.nodes.iter().filter_map(node).collect();
        if let Some(reason) = unfit(wanted, &nodes) {
            return Err(Refusal::Unfit(format!("{reason} (somebody else's cluster, {})", named.from)));
        }
        let record = ClusterRecord {
            name: name(&named.context),
            image: String::new(),
            instance: None,
            kubernetes_version: facts.version,
            nodes,
            load_balancer: None,
            registry: None,
            server,
            kubeconfig,
            created: 0,
        };
        let holder = Holder { test: test.to_owned() };
        let visit = lease::visit(&self.settings.state_dir, &facts.identity, access, &holder).await;
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

impl Existing<'_> {
    /// Reads the kubeconfig and checks that its current context leads somewhere.
    fn named(&self) -> Result<Named, ExistingError> {
        let (from, kubeconfig, kubectl) = match self.which {
            ExistingCluster::File(path) | ExistingCluster::Argument(path) => {
                let is_variable = matches!(self.which, ExistingCluster::File(_));
                let name = if is_variable { "KIND_TEST_KUBECONFIG=" } else { "--kubeconfig " };
                let from = format!("{name}{}", path.display());
                let kubeconfig = read(&from, path)?;
                (from, kubeconfig, format!("kubectl --kubeconfig {}", quoted(&path.display())))
            }
            ExistingCluster::OfTheUser => {
                let Settings { kubeconfig, home, .. } = self.settings;
                let of_the_user = "USE_EXISTING_CLUSTER".to_owned();
                let files = KubeconfigFiles::new(None, kubeconfig.as_deref(), home.as_deref());
                let files = files
                    .map_err(|error| ExistingError::File { from: of_the_user.clone(), problem: error.to_string() })?;
                let paths = files.all().iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(":");
                let from = format!("{of_the_user}, {paths}");
                (from.clone(), read_all(&from, files.all())?, "kubectl".to_owned())
            }
        };
        let context =
            current_context(&kubeconfig).map_err(|problem| ExistingError::File { from: from.clone(), problem })?;
        let kubectl = format!("{kubectl} --context {}", quoted(&context));
        Ok(Named { from: format!("{from}, context {context}"), context, kubeconfig, kubectl })
    }
}

fn read(from: &str, path: &Path) -> Result<Kubeconfig, ExistingError> {
    if !path.exists() {
        let is_relative_variable = path.is_relative() && from.starts_with("KIND_TEST_KUBECONFIG");
        let here = if is_relative_variable { "; a relative path counts from the package's folder" } else { "" };
        let problem = format!("there is no file {}{here}", path.display());
        return Err(ExistingError::File { from: from.to_owned(), problem });
    }
    Kubeconfig::read_from(path).map_err(|source| ExistingError::Kubeconfig { from: from.to_owned(), source })
}

/// Those files that are there, as kubectl reads them together.
fn read_all(from: &str, paths: &[std::path::PathBuf]) -> Result<Kubeconfig, ExistingError> {
    let mut merged: Option<Kubeconfig> = None;
    for path in paths.iter().filter(|path| path.exists()) {
        let next = read(from, path)?;
        merged = Some(match merged {
            None => next,
            Some(merged) => {
                merged.merge(next).map_err(|source| ExistingError::Kubeconfig { from: from.to_owned(), source })?
            }
        });
    }
    merged.ok_or_else(|| {
        let problem = "there is no such file; KUBECONFIG or KIND_TEST_KUBECONFIG names another".to_owned();
        ExistingError::File { from: from.to_owned(), problem }
    })
}

/// The name of the current context, if everything that it names is there.
fn current_context(kubeconfig: &Kubeconfig) -> Result<String, String> {
    let all = || kubeconfig.contexts.iter().map(|it| it.name.clone()).collect::<Vec<_>>().join(", ");
    let current = kubeconfig.current_context.clone().filter(|name| !name.is_empty());
    let current = current
        .ok_or_else(|| format!("it has no current context; `kubectl config use-context` sets one of: {}", all()))?;
    let context = kubeconfig.contexts.iter().find(|it| it.name == current).and_then(|it| it.context.as_ref());
    let context =
        context.ok_or_else(|| format!("its current context {current:?} is not there; there are: {}", all()))?;
    if !kubeconfig.clusters.iter().any(|it| it.name == context.cluster) {
        return Err(format!("its context {current:?} names cluster {:?}, which is not there", context.cluster));
    }
    let user = context.user.as_ref().filter(|user| !kubeconfig.auth_infos.iter().any(|it| it.name == **user));
    match user {
        Some(user) => Err(format!("its context {current:?} names user {user:?}, which is not there")),
        None => Ok(current),
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
    let nodes_alone = spec.nodes.iter().map(|node| NodeSpec { role: node.role, ..NodeSpec::default() });
    let plain = ClusterSpec { name: spec.name.clone(), nodes: nodes_alone.collect(), ..ClusterSpec::default() };
    if *spec != plain {
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
    Some(NodeRecord { name, role, address, secondary_address: None })
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

/// A word that a shell reads as one.
fn quoted(word: &dyn fmt::Display) -> String {
    let word = word.to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests;
