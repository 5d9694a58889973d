//! What a test can ask for by the type of a parameter: the harness' own types, and fixtures of users.

use std::{any::type_name, convert::Infallible, error::Error};

use kind_core::cluster::Cluster;

use super::{context::TestContext, error::EntryError, namespace::TestNamespace};

/// A type that a parameter of a [`kind_test`](crate::kind_test) can have.
///
/// Implement it for a fixture of your own, such as your operator, deployed. Each test gets its own, made once: whoever
/// asks for it again, another fixture or the test, gets a clone. What has to be undone is announced with
/// [`TestContext::on_end`].
///
/// ```no_run
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kind_harness::{FromTest, TestContext, TestNamespace, kind_test};
/// use kube::{Api, api::PostParams};
///
/// /// The settings that our operator reads.
/// #[derive(Clone)]
/// struct Settings {
///     maps: Api<ConfigMap>,
/// }
///
/// impl FromTest for Settings {
///     type Error = anyhow::Error;
///
///     async fn from_test(test: &TestContext) -> anyhow::Result<Self> {
///         let ns: TestNamespace = test.get().await?;
///         let maps: Api<ConfigMap> = Api::namespaced(test.client().clone(), &ns);
///         let map = serde_json::from_value(serde_json::json!({ "metadata": { "name": "settings" } }))?;
///         maps.create(&PostParams::default(), &map).await?;
///         let theirs = maps.clone();
///         test.on_end("the settings", async move || theirs.delete("settings", &Default::default()).await.map(drop));
///         Ok(Self { maps })
///     }
/// }
///
/// #[kind_test]
/// async fn has_settings(settings: Settings) -> anyhow::Result<()> {
///     settings.maps.get("settings").await?;
///     Ok(())
/// }
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "a `#[kind_test]` has no `{Self}` to give",
    label = "not one of the types that are injected",
    note = "injected are `Cluster`, `kube::Client`, `kube::Config`, `TestNamespace`, `TestContext` and every type that implements `kind_harness::FromTest`, by value or by reference",
    note = "`kube` is version 5; with kind-harness' features `kube-3` and `kube-4` it may be 3 and 4, and `Cluster::kubeconfig_file` is for any other",
    note = "a parameter that rstest provides carries one of its attributes, such as `#[case]` or `#[from(fixture)]`"
)]
pub trait FromTest: Clone + Send + Sync + 'static {
    /// Why it could not be made. The failure of the test names the fixture's type and tells the whole chain.
    type Error: Into<Box<dyn Error + Send + Sync>>;

    /// Makes it, on the test's runtime and within the test's limit.
    ///
    /// # Errors
    /// When it cannot be made; the test fails then, and its body does not run.
    fn from_test(test: &TestContext) -> impl Future<Output = Result<Self, Self::Error>>;
}

/// Why a test does not get what it takes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FixtureError {
    /// It failed.
    #[error("make `{fixture}` for the test")]
    Failed {
        /// Its type.
        fixture: &'static str,
        /// What it says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// It needs itself.
    #[error("make `{fixture}` for the test: it needs itself ({way}); let one of them do without the other")]
    Circular {
        /// Its type.
        fixture: &'static str,
        /// Through which others.
        way: String,
    },
}

impl FixtureError {
    pub(super) fn failed<T>(source: Box<dyn Error + Send + Sync>) -> Self {
        Self::Failed { fixture: type_name::<T>(), source }
    }

    /// The harness' own reason, through however many fixtures.
    pub(super) fn reason(&self) -> Option<&EntryError> {
        let mut error: Option<&(dyn Error + 'static)> = Some(self);
        while let Some(it) = error {
            if let Some(reason) = it.downcast_ref() {
                return Some(reason);
            }
            error = it.source();
        }
        None
    }
}

impl FromTest for Cluster {
    type Error = EntryError;

    async fn from_test(test: &TestContext) -> Result<Self, EntryError> {
        let cluster = test.cluster();
        if cluster.is_ours() {
            Ok(cluster.clone())
        } else {
            Err(EntryError::NodesOutOfReach { cluster: cluster.name().to_owned() })
        }
    }
}

impl FromTest for kube::Client {
    type Error = Infallible;

    async fn from_test(test: &TestContext) -> Result<Self, Infallible> {
        Ok(test.client().clone())
    }
}

impl FromTest for kube::Config {
    type Error = Infallible;

    async fn from_test(test: &TestContext) -> Result<Self, Infallible> {
        Ok(test.config().clone())
    }
}

impl FromTest for TestNamespace {
    type Error = EntryError;

    async fn from_test(test: &TestContext) -> Result<Self, EntryError> {
        test.namespace().cloned().ok_or(EntryError::NoNamespace)
    }
}

impl FromTest for TestContext {
    type Error = Infallible;

    async fn from_test(test: &TestContext) -> Result<Self, Infallible> {
        Ok(test.outside())
    }
}
