//! What the suite has to know of a cluster before it runs there.

use k8s_openapi::api::core::v1::{Namespace, Node};
use kind_harness::{
    Hold,
    kube::{self, Api, api::ListParams},
};

/// What the suite has to know of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFacts {
    /// Its Kubernetes version, such as `v1.37.2`.
    pub version: String,
    /// How its kubeconfig calls it.
    pub name: String,
    /// What tells it apart from every other cluster.
    pub identity: String,
    /// The nodes that are Ready and take any pod, sorted.
    pub takers: Vec<String>,
}

/// The cluster does not say what it is.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// There is no way to ask.
    #[error(transparent)]
    Client(#[from] kind_core::cluster::ClusterError),
    /// It does not answer.
    #[error("look at the nodes and the namespace kube-system, which takes an administrator")]
    Api(#[source] Box<kube::Error>),
}

impl ClusterFacts {
    /// Asks the cluster.
    ///
    /// # Errors
    /// When it does not answer, or not to this user.
    pub async fn ask(hold: &Hold) -> Result<Self, FactsError> {
        let client = hold.cluster().client().await?;
        let failed = |error| FactsError::Api(Box::new(error));
        let nodes = Api::<Node>::all(client.clone()).list(&ListParams::default()).await.map_err(failed)?;
        let system = Api::<Namespace>::all(client).get("kube-system").await.map_err(failed)?;
        let takers = nodes.items.iter().filter(|node| takes_pods(node));
        let mut takers: Vec<String> = takers.filter_map(|node| node.metadata.name.clone()).collect();
        takers.sort();
        Ok(Self {
            version: hold.cluster().kubernetes_version().to_owned(),
            name: hold.cluster().name().to_owned(),
            identity: system.metadata.uid.unwrap_or_default(),
            takers,
        })
    }

    /// Whether its version is that of these specs, but for the last number.
    pub fn is_of(&self, version: &str) -> bool {
        let minor = |text: &str| text.split('.').take(2).map(str::to_owned).collect::<Vec<_>>();
        minor(&self.version) == minor(version)
    }
}

/// Whether the node is Ready and takes pods that tolerate nothing.
fn takes_pods(node: &Node) -> bool {
    let spec = node.spec.clone().unwrap_or_default();
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let is_ready = conditions.into_iter().any(|it| it.type_ == "Ready" && it.status == "True");
    let repels = spec.taints.iter().flatten().any(|taint| ["NoSchedule", "NoExecute"].contains(&taint.effect.as_str()));
    is_ready && spec.unschedulable != Some(true) && !repels
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#, true)]
    #[case(r#"{"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}"#, false)]
    #[case(r#"{"spec":{"unschedulable":true},"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#, false)]
    #[case(
        r#"{"spec":{"taints":[{"key":"a","effect":"NoSchedule"}]},"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#,
        false
    )]
    #[case(
        r#"{"spec":{"taints":[{"key":"a","effect":"PreferNoSchedule"}]},"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#,
        true
    )]
    #[case("{}", false)]
    fn a_node_takes_pods_when_nothing_speaks_against_it(#[case] node: &str, #[case] expected: bool) {
        assert_eq!(takes_pods(&serde_json::from_str(node).unwrap()), expected);
    }

    #[rstest]
    #[case("v1.37.0", true)]
    #[case("v1.37.2+k3s1", true)]
    #[case("v1.36.2", false)]
    fn the_last_number_does_not_matter(#[case] version: &str, #[case] expected: bool) {
        let (name, identity) = (String::new(), String::new());
        let facts = ClusterFacts { version: version.to_owned(), name, identity, takers: Vec::new() };
        assert_eq!(facts.is_of("v1.37.2"), expected);
    }
}
