//! What is arranged for one test before its body runs, and the handle on all of it.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use crate::cluster::Cluster;

use super::namespace::TestNamespace;

/// Everything that can be injected into one test.
#[derive(Clone)]
pub struct Arranged {
    pub(super) test: String,
    pub(super) cluster: Cluster,
    pub(super) config: kube::Config,
    pub(super) client: kube::Client,
    pub(super) namespace: Option<TestNamespace>,
    pub(super) artifacts: PathBuf,
}

/// What a test knows about itself: its name, cluster, client, namespace and folder.
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
pub struct TestContext(Arranged);

impl TestContext {
    pub(super) fn new(arranged: &Arranged) -> Self {
        Self(arranged.clone())
    }

    /// The test's full name, such as `smoke::orders::survives_restart`.
    pub fn test_name(&self) -> &str {
        &self.0.test
    }

    /// The cluster that the test runs on. Where that belongs to somebody else, its nodes are out of reach.
    pub fn cluster(&self) -> &Cluster {
        &self.0.cluster
    }

    /// A client whose default namespace is the test's.
    pub fn client(&self) -> &kube::Client {
        &self.0.client
    }

    /// The test's namespace; `None` with `access = "read"`.
    pub fn namespace(&self) -> Option<&TestNamespace> {
        self.0.namespace.as_ref()
    }

    /// A folder for what the test leaves, where the harness also puts its own bundle when the test fails. Made at the
    /// first call, and emptied when the test starts the next time.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn artifacts(&self) -> io::Result<&Path> {
        fs::create_dir_all(&self.0.artifacts)?;
        Ok(&self.0.artifacts)
    }
}

impl fmt::Debug for TestContext {
    // A client and a cluster's kubeconfig hold keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestContext")
            .field("test", &self.0.test)
            .field("namespace", &self.0.namespace)
            .field("artifacts", &self.0.artifacts)
            .finish_non_exhaustive()
    }
}
