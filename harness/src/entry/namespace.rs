//! The namespace of one test: made before the body, deleted after it.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Deref,
    sync::Arc,
    time::{Duration, SystemTime},
};

use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kind_core::{
    causes::lines,
    wait::{Check, WaitError, until_every, until_or},
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use tokio::time::timeout;

use super::{interrupt::say, name::TestName, timeline::seconds};

/// How long the API has for one call of ours. A control plane that was just killed is left within seconds.
pub(super) const API_LIMIT: Duration = Duration::from_secs(30);

/// How long after one try to reach the API the next one is made.
const AGAIN: Duration = Duration::from_millis(250);

/// How long a namespace may take to go before anybody asks why.
const GOING: Duration = Duration::from_secs(10);
/// How many that do not go are told of at once.
const MOST_HELD: u32 = 20;
/// The annotation of those that were told of.
const TOLD: &str = "io.kind-rs.told";

/// How long the controller has for its part of a new namespace.
const PATIENCE: Duration = Duration::from_millis(300);

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

/// Makes the namespace. An API that cannot be reached at the moment, as while a control plane or the engine is started again,
/// is tried again.
///
/// # Errors
/// The outer one is the API's answer; the inner one says that there was none.
pub(super) async fn create(
    client: &Client,
    name: &TestNamespace,
    test: &TestName,
) -> Result<Result<(), WaitError>, kube::Error> {
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
    let mut is_first = true;
    until_or(AGAIN, "the cluster's API", API_LIMIT, async || {
        let is_first = std::mem::take(&mut is_first);
        match namespaces.create(&PostParams::default(), &namespace).await {
            Ok(_) => Ok(Check::Done(())),
            // Of an earlier try only the answer was lost: the name is nobody else's.
            Err(kube::Error::Api(status)) if status.code == 409 && !is_first => Ok(Check::Done(())),
            Err(error) if passes(&error) => Ok(Check::NotYet(lines(&error))),
            Err(error) => Err(error),
        }
    })
    .await
}

/// Whether an error is the way to the API's, or an API's that is not up yet.
fn passes(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => (502..=504).contains(&status.code),
        kube::Error::HyperError(_) | kube::Error::Service(_) => true,
        _ => false,
    }
}

/// Sees to it, beside the test, that pods can be made in a new namespace: they need its `default` service account. A
/// controller adds that within milliseconds, unless its leader was just lost, and the API server waits for it for 0.9 s at
/// least (`getServiceAccount` in its service account admission). So only a test that takes longer pays for a call.
pub(super) async fn furnish(client: &Client, namespace: &str) {
    let mut is_early = true;
    let added = until_every(PATIENCE, "the default service account", API_LIMIT, async || {
        if std::mem::take(&mut is_early) {
            return Check::not_yet("the controller has its chance");
        }
        match create_default_account(client, namespace).await {
            Ok(()) => Check::Done(()),
            Err(error) => Check::NotYet(lines(&error)),
        }
    });
    if let Err(error) = added.await {
        eprintln!("namespace {namespace} may have no service account `default`, which pods need: {error}");
    }
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

/// Says which namespaces of earlier tests do not go, and what holds them. Each is told of once.
pub(super) async fn tell_of_held(client: &Client) {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let terminating = ListParams::default().labels(LABEL_TEST).fields("status.phase=Terminating").limit(MOST_HELD);
    // Who cannot be asked is told of elsewhere.
    let Ok(list) = namespaces.list(&terminating).await else { return };
    for namespace in list.items {
        let Some((name, holds)) = namespace.metadata.name.clone().zip(held(&namespace)) else { continue };
        let told = serde_json::json!({ "metadata": { "annotations": { TOLD: "1" } } });
        // Somebody may have no right to it; then it is told of again.
        let _ = namespaces.patch(&name, &PatchParams::default(), &Patch::Merge(&told)).await;
        say(&format!("kind: namespace {name}, which an earlier test left, does not go: {holds}"));
    }
}

/// What holds a namespace that should be gone, and was not told of yet.
fn held(namespace: &Namespace) -> Option<String> {
    let deleted = SystemTime::from(namespace.metadata.deletion_timestamp.as_ref()?.0);
    let is_told = namespace.metadata.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(TOLD));
    if is_told || deleted.elapsed().unwrap_or_default() < GOING {
        return None;
    }
    let conditions = namespace.status.as_ref().and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    let mut holds: Vec<String> = conditions
        .filter(|condition| condition.type_ != "NamespaceContentRemaining" && condition.status == "True")
        .map(|condition| condition.message.clone().unwrap_or_else(|| condition.type_.clone()))
        .collect();
    let own = namespace.metadata.finalizers.as_deref().unwrap_or_default();
    if !own.is_empty() {
        holds.push(format!("the namespace itself has the finalizers {}", own.join(", ")));
    }
    // Without any of these its content is on its way.
    (!holds.is_empty()).then(|| holds.join("; "))
}

/// Deletes a namespace that nobody will look at, and only says so where that fails.
pub(super) async fn tidy_up(client: &Client, namespace: &str, limit: Duration) {
    let problem = match timeout(limit, delete(client, namespace)).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => lines(&error),
        Err(_) => format!("no answer after {}", seconds(limit)),
    };
    eprintln!("namespace {namespace} stays until its cluster goes, because its deletion failed: {problem}");
}

/// Asks for the namespace's deletion; the cluster does it in the background.
async fn delete(client: &Client, namespace: &str) -> Result<(), kube::Error> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    match namespaces.delete(namespace, &DeleteParams::background()).await {
        // The test deleted it itself.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        outcome => outcome.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn terminating(deleted: &str, change: impl FnOnce(&mut serde_json::Value)) -> Namespace {
        let condition = |kind: &str, status: &str, message: &str| json!({ "type": kind, "status": status, "message": message, "lastTransitionTime": deleted });
        let mut namespace = json!({
            "metadata": { "name": "orders-1", "deletionTimestamp": deleted },
            "status": { "phase": "Terminating", "conditions": [
                condition("NamespaceDeletionContentFailure", "False", "All content successfully deleted"),
                condition("NamespaceContentRemaining", "True", "widgets.example.com has 1 resource instances"),
            ] },
        });
        change(&mut namespace);
        serde_json::from_value(namespace).unwrap()
    }

    #[test]
    fn only_what_is_held_is_told_of_and_once() {
        let long_ago = "2020-01-01T00:00:00Z";
        let finalizer = |namespace: &mut serde_json::Value| {
            let condition = json!({ "type": "NamespaceFinalizersRemaining", "status": "True",
                "message": "example.com/hold in 1 resource instances", "lastTransitionTime": long_ago });
            namespace["status"]["conditions"].as_array_mut().unwrap().push(condition);
        };
        let holds = held(&terminating(long_ago, finalizer));
        assert_eq!(holds.as_deref(), Some("example.com/hold in 1 resource instances"));
        assert_eq!(held(&terminating(long_ago, |_| {})), None, "its content goes");
        assert_eq!(held(&terminating("2999-01-01T00:00:00Z", finalizer)), None, "it was deleted just now");
        let told = |namespace: &mut serde_json::Value| {
            finalizer(namespace);
            namespace["metadata"]["annotations"] = json!({ TOLD: "1" });
        };
        assert_eq!(held(&terminating(long_ago, told)), None);
        let own = |namespace: &mut serde_json::Value| namespace["metadata"]["finalizers"] = json!(["a/b"]);
        let holds = held(&terminating(long_ago, own)).unwrap();
        assert_eq!(holds, "the namespace itself has the finalizers a/b");
    }
}
