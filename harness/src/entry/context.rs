//! What is arranged for one test before its body runs, and the handle on all of it.

use std::{
    any::{TypeId, type_name},
    error::Error,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use kind_core::{activity::Activity, cluster::Cluster};

use super::{
    fixtures::{Fixtures, TakingDown},
    from_test::{FixtureError, FromTest},
    namespace::TestNamespace,
};

/// Everything that one test was given.
#[derive(Clone)]
pub(super) struct Arranged {
    pub(super) test: String,
    pub(super) cluster: Cluster,
    pub(super) config: kube::Config,
    pub(super) client: kube::Client,
    pub(super) namespace: Option<TestNamespace>,
    /// Whether other tests use the cluster at the same time.
    pub(super) is_shared: bool,
    pub(super) artifacts: PathBuf,
    pub(super) fixtures: Arc<Fixtures>,
    pub(super) activity: Arc<Activity>,
}

/// What a test knows about itself: its name, cluster, client, namespace and folder; and where its fixtures come from.
///
/// ```no_run
/// use kind_harness::{TestContext, kind_test};
///
/// #[kind_test]
/// async fn writes_a_report(context: TestContext) -> std::io::Result<()> {
///     std::fs::write(context.artifacts()?.join("report.txt"), context.test_name())
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct TestContext {
    pub(super) arranged: Arranged,
    /// The fixtures that are being made, the outermost first.
    making: Vec<(TypeId, &'static str)>,
}

impl TestContext {
    pub(super) fn new(arranged: &Arranged) -> Self {
        Self { arranged: arranged.clone(), making: Vec::new() }
    }

    /// What holds the fixtures, and whether anything does.
    #[cfg(test)]
    pub(super) fn fixtures(&self) -> std::sync::Weak<Fixtures> {
        Arc::downgrade(&self.arranged.fixtures)
    }

    /// The same where no fixture is being made.
    pub(super) fn outside(&self) -> Self {
        Self::new(&self.arranged)
    }

    /// What notes the requests of the test's clients.
    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.arranged.activity
    }

    /// The test's full name, such as `smoke::orders::survives_restart`.
    pub fn test_name(&self) -> &str {
        &self.arranged.test
    }

    /// The cluster that the test runs on. Where that belongs to somebody else, its nodes are out of reach.
    pub fn cluster(&self) -> &Cluster {
        &self.arranged.cluster
    }

    /// A client whose default namespace is the test's.
    pub fn client(&self) -> &kube::Client {
        &self.arranged.client
    }

    /// The configuration of such a client.
    pub fn config(&self) -> &kube::Config {
        &self.arranged.config
    }

    /// The test's namespace; `None` with `access = "read"`.
    pub fn namespace(&self) -> Option<&TestNamespace> {
        self.arranged.namespace.as_ref()
    }

    /// A folder for what the test leaves, where the harness also puts its own bundle when the test fails. Made at the
    /// first call, and emptied when the test starts the next time.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn artifacts(&self) -> io::Result<&Path> {
        fs::create_dir_all(&self.arranged.artifacts)?;
        Ok(&self.arranged.artifacts)
    }

    /// The test's fixture of this type. Whoever asks first has it made; everybody else gets a clone.
    ///
    /// # Errors
    /// When it cannot be made, or needs itself.
    pub async fn get<T: FromTest>(&self) -> Result<T, FixtureError> {
        let own = (TypeId::of::<T>(), type_name::<T>());
        let mut within = self.clone();
        within.making.push(own);
        if let Some(first) = self.making.iter().position(|one| one.0 == own.0) {
            let way: Vec<&str> = within.making[first..].iter().map(|(_, name)| *name).collect();
            return Err(FixtureError::Circular { fixture: own.1, way: way.join(" → ") });
        }
        // On the heap: futures of fixtures that take others lie in each other, and a thread's stack is small.
        let make = Box::pin(T::from_test(&within));
        let make = async { make.await.map_err(|error| FixtureError::failed::<T>(error.into())) };
        self.arranged.fixtures.get(make).await
    }

    /// Has something undone after the test, whether it passed or failed: after the look at what it left, before its
    /// namespace goes, the last announced first. An error, a panic, or more than a minute in all fails a test that had
    /// passed. `what` names it then. On a signal there are five seconds; where the process is killed, or its thread is
    /// blocked, there is nothing.
    pub fn on_end<E>(&self, what: impl Into<String>, teardown: impl AsyncFnOnce() -> Result<(), E> + Send + 'static)
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let teardown = || -> TakingDown { Box::pin(async { teardown().await.map_err(Into::into) }) };
        self.arranged.fixtures.on_end(what.into(), Box::new(teardown));
    }
}

impl fmt::Debug for TestContext {
    // A client and a cluster's kubeconfig hold keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestContext")
            .field("test", &self.arranged.test)
            .field("namespace", &self.arranged.namespace)
            .field("artifacts", &self.arranged.artifacts)
            .finish_non_exhaustive()
    }
}
