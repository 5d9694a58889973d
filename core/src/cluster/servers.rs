//! A cluster's API servers, each on its own.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Config, ResourceExt,
    api::{Patch, PatchParams},
};

use super::{
    Cluster, ClusterError, ClusterRecord,
    client::{client, client_config},
};
use crate::{
    spec::{NodeName, Role},
    wait::{ApiServer, look_at_definitions, until},
};

/// Who manages the fields of what is applied for a test.
const FIELD_MANAGER: &str = "kind-harness";

/// A configuration whose clients ask this control plane's API server. The load balancer goes by the name that TLS asks for,
/// and kubeadm puts every node's name into its server's certificate.
pub(super) fn of_one(mut config: Config, node: &NodeName) -> Config {
    config.tls_server_name = Some(node.to_string());
    config
}

/// All API servers of a cluster of ours, with its kubeconfig as this process can use it.
///
/// # Errors
/// When the kubeconfig is not usable.
pub async fn api_servers(record: &ClusterRecord, kubeconfig: &str) -> Result<Vec<ApiServer>, ClusterError> {
    let config = client_config(kubeconfig).await?;
    let control_planes = record.nodes.iter().filter(|node| node.role == Role::ControlPlane);
    let server = |name: &NodeName| {
        let client = client(of_one(config.clone(), name))?;
        Ok(ApiServer { name: name.to_string(), client })
    };
    control_planes.map(|node| server(&node.name)).collect()
}

impl Cluster {
    /// Applies definitions of custom resources (as the field manager `kind-harness`), and waits until every API server
    /// serves each of their versions, so that whichever of them a client reaches next knows the resource.
    ///
    /// The condition `Established` does not say that: with several control planes it is set by one API server, and the
    /// others answer `404 page not found` until they have seen it. Every control plane has to be up. Of somebody else's
    /// cluster only its one address can be asked.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    /// use kind_harness::{Cluster, kind_test};
    ///
    /// #[kind_test]
    /// async fn has_greetings(cluster: Cluster) -> anyhow::Result<()> {
    ///     let definition: CustomResourceDefinition = serde_yaml::from_str(
    ///         "metadata: { name: greetings.example.org }
    /// spec:
    ///   group: example.org
    ///   names: { kind: Greeting, plural: greetings }
    ///   scope: Namespaced
    ///   versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }]",
    ///     )?;
    ///     cluster.install_crds(&[definition], Duration::from_secs(30)).await?;
    ///     Ok(())
    /// }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// When a definition is refused, or is not served everywhere within `limit`; the error says where it is not, and why.
    pub async fn install_crds(
        &self,
        definitions: &[CustomResourceDefinition],
        limit: Duration,
    ) -> Result<(), ClusterError> {
        let client = self.client().await?;
        let api: Api<CustomResourceDefinition> = Api::all(client.clone());
        for definition in definitions {
            let name = definition.name_any();
            let applied = api.patch(&name, &PatchParams::apply(FIELD_MANAGER), &Patch::Apply(definition)).await;
            applied.map_err(|source| ClusterError::Definition { name, source })?;
        }
        let servers = if self.is_ours() {
            api_servers(self.record(), self.kubeconfig().await?).await?
        } else {
            vec![ApiServer { name: self.name().to_owned(), client }]
        };
        let names: Vec<String> = definitions.iter().map(ResourceExt::name_any).collect();
        let what = format!("every API server to serve {}", names.join(", "));
        until(what, limit, async || look_at_definitions(&servers, definitions).await).await?;
        Ok(())
    }
}
