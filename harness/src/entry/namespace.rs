//! The namespace of one test: made before the body, deleted after it.

use std::{collections::BTreeMap, fmt, ops::Deref, sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::{
    Api, Client,
    api::{DeleteParams, ObjectMeta, PostParams},
};

use tokio::{task::JoinSet, time::timeout};

use super::{judge::chain, name::TestName, timeline::seconds};

/// How long the API has for one call of ours. A control plane that was just killed is left within seconds.
pub(super) const API_LIMIT: Duration = Duration::from_secs(30);

/// The label with the test's name, and the annotation with all of it.
pub const LABEL_TEST: &str = "io.kind-rs.test";

/// The name of the test's own namespace.
///
/// It reads as a text: it can be printed, compared and passed where a `&str` is wanted.
///
/// ```no_run
/// use kind_harness::{TestNamespace, kind_test};
/// use k8s_openapi::api::core::v1::Pod;
/// use kube::{Api, Client};
///
/// #[kind_test]
/// async fn starts_empty(client: Client, ns: TestNamespace) -> kube::Result<()> {
///     let pods: Api<Pod> = Api::namespaced(client, &ns);
///     assert!(pods.list(&Default::default()).await?.items.is_empty());
///     Ok(())
/// }
/// # fn main() {}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TestNamespace(Arc<str>);

impl TestNamespace {
    /// A new name for a test; nothing is made.
    pub(super) fn new(test: &TestName) -> Self {
        Self(test.namespace().into())
    }

    /// The namespace's name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TestNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for TestNamespace {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Deref for TestNamespace {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Makes the namespace.
pub(super) async fn create(client: &Client, name: &TestNamespace, test: &TestName) -> Result<(), kube::Error> {
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_string()),
            labels: Some(BTreeMap::from([(LABEL_TEST.to_owned(), test.label())])),
            annotations: Some(BTreeMap::from([(LABEL_TEST.to_owned(), test.as_str().to_owned())])),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.create(&PostParams::default(), &namespace).await?;
    Ok(())
}

/// Adds what pods need in a new namespace, beside the test: its `default` service account. The API server waits for it for
/// at least a second when it is asked for a pod; a controller adds it too, but only when one of several leads. Dropping the
/// task gives it up.
pub(super) fn furnish(client: Client, namespace: TestNamespace) -> JoinSet<()> {
    JoinSet::from_iter([async move {
        let problem = match timeout(API_LIMIT, create_default_account(&client, &namespace)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => chain(&error),
            Err(_) => format!("no answer after {}", seconds(API_LIMIT)),
        };
        eprintln!("namespace {namespace} may have no service account `default`, which pods need: {problem}");
    }])
}

/// The controller is content with any of that name.
async fn create_default_account(client: &Client, namespace: &str) -> Result<(), kube::Error> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let account = ServiceAccount {
        metadata: ObjectMeta { name: Some("default".to_owned()), ..ObjectMeta::default() },
        ..ServiceAccount::default()
    };
    match accounts.create(&PostParams::default(), &account).await {
        // The controller was faster.
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}

/// Deletes a namespace that nobody will look at, and only says so where that fails.
pub(super) async fn tidy_up(client: &Client, namespace: &str) {
    let problem = match timeout(API_LIMIT, delete(client, namespace)).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => chain(&error),
        Err(_) => format!("no answer after {}", seconds(API_LIMIT)),
    };
    eprintln!("namespace {namespace} stays until its cluster goes, because its deletion failed: {problem}");
}

/// Asks for the namespace's deletion; the cluster does it in the background.
pub(super) async fn delete(client: &Client, namespace: &str) -> Result<(), kube::Error> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    match namespaces.delete(namespace, &DeleteParams::background()).await {
        // The test deleted it itself.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}
