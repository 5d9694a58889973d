//! What is arranged for one test before its body runs, and the handle on all of it.

use std::{
    any::{TypeId, type_name},
    convert::Infallible,
    error::Error,
    fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use kind_core::{
    activity::Activity,
    cluster::{Cluster, api_servers},
    wait::ApiServer,
};
use kube::api::DynamicObject;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::{
    fixtures::{Fixtures, TakingDown},
    from_test::{FixtureError, FromTest},
    namespace::TestNamespace,
};
use crate::{
    apply::{self, Applier, ApplyError},
    reach::{self, Port, ReachError, Target},
};

/// Everything that one test was given.
#[derive(Clone)]
pub(super) struct Arranged {
    pub(super) test: String,
    pub(super) cluster: Cluster,
    pub(super) config: kube::Config,
    pub(super) client: kube::Client,
    pub(super) namespace: Option<TestNamespace>,
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
    arranged: Arranged,
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
    #[cfg_attr(
        not(any(feature = "kube-3", feature = "kube-4")),
        expect(dead_code, reason = "only clients of theirs need it")
    )]
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

    /// Makes objects, or changes them into what is said here (server-side apply as the field manager `kind-harness`; fields
    /// that others manage are taken over).
    ///
    /// `objects` is one object or several: what serialises with `apiVersion` and `kind`, such as the types of `k8s_openapi`,
    /// custom resources and `serde_json::json!`; a slice or a tuple of them; or a text of YAML documents. Each may be a `List`.
    ///
    /// - They are sent in the order that Kubernetes needs, whatever order they are given in: namespaces, definitions, service
    ///   accounts and roles, secrets, configuration and volumes, Services, workloads, others, webhooks. The answer has them in
    ///   the order in which they were given.
    /// - After a definition of a custom resource, the others wait until every API server serves it.
    /// - What is in a namespace and does not say in which goes into the test's, and with it.
    /// - What is cluster-wide, or in another namespace, is deleted when the test ends, the last applied first, and the test
    ///   waits until it is gone. Other tests that applied the same object meanwhile keep it until the last of them ends. What
    ///   was there before any test applied it stays, as it was last applied.
    ///
    /// What the cluster only cannot take yet (a webhook or a service account that is on its way) is sent again for a minute.
    ///
    /// ```no_run
    /// use k8s_openapi::api::core::v1::ConfigMap;
    /// use kind_harness::{TestContext, kind_test};
    /// use serde_json::json;
    ///
    /// #[kind_test]
    /// async fn has_what_it_needs(context: TestContext) -> anyhow::Result<()> {
    ///     // Text, such as `include_str!("../deploy/widgets.yaml")`.
    ///     context.apply("{ apiVersion: v1, kind: ServiceAccount, metadata: { name: robot } }").await?;
    ///
    ///     // Values, of several types at once.
    ///     let mut settings = ConfigMap::default();
    ///     settings.metadata.name = Some("settings".to_owned());
    ///     let role = json!({
    ///         "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "reader" },
    ///         "rules": [{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"] }],
    ///     });
    ///     context.apply((&settings, &role)).await?;
    ///     Ok(())
    /// }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// When something is no object, its kind is not known (nothing is sent then), the cluster refuses it, or a definition is
    /// not served everywhere within a minute. The error names document, kind and name, and has the cluster's words.
    pub async fn apply(&self, objects: impl Serialize) -> Result<Vec<DynamicObject>, ApplyError> {
        self.apply_items(apply::from_value(objects)?).await
    }

    /// As [`apply`](Self::apply), with the objects of a file, or of all `.yaml`, `.yml` and `.json` files that are right in a
    /// folder, in the order of their names. A path is relative to the package's folder, where Cargo runs tests.
    ///
    /// ```no_run
    /// use kind_harness::{TestContext, kind_test};
    ///
    /// #[kind_test]
    /// async fn deploys(context: TestContext) -> anyhow::Result<()> {
    ///     context.apply_files("deploy").await?;
    ///     Ok(())
    /// }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// As [`apply`](Self::apply), and when a file cannot be read, or a folder holds none or a kustomization.
    pub async fn apply_files(&self, path: impl AsRef<Path>) -> Result<Vec<DynamicObject>, ApplyError> {
        self.apply_items(apply::from_path(path.as_ref())?).await
    }

    async fn apply_items(&self, items: Vec<apply::Item>) -> Result<Vec<DynamicObject>, ApplyError> {
        let (cluster, client) = (self.cluster(), self.client());
        let servers = async || {
            if cluster.is_ours() {
                return api_servers(cluster.record(), cluster.kubeconfig().await?).await;
            }
            Ok(vec![ApiServer { name: cluster.name().to_owned(), client: client.clone() }])
        };
        let holder = self.holder();
        let applier =
            Applier { client, namespace: self.namespace().map(TestNamespace::name), holder: &holder, servers };
        let on_shared = |shared: apply::Shared| self.on_end(shared.to_string(), async move || shared.release().await);
        applier.apply(items, on_shared).await
    }

    /// An address of this machine at which a Service or a pod of the cluster answers, over TCP, until the test ends.
    ///
    /// `target` is a Service of the test's namespace (`web`), one of another namespace (`web.monitoring`), or a pod of the test's
    /// namespace (`pod/web-0`); `port` the number or the name of one of its ports, of a Service its own and not its pods'. It
    /// waits for half a minute until something is ready to answer.
    ///
    /// Each connection goes through the engine to a `socat` in one of the nodes, on any engine, also where that is on another
    /// machine. Where the target is by then is asked of the API each time: pods may be started again, and the Service be
    /// replaced. A connection that is open breaks with its pod.
    ///
    /// ```no_run
    /// use kind_harness::{TestContext, kind_test};
    /// use tokio::{io::{AsyncReadExt as _, AsyncWriteExt as _}, net::TcpStream};
    ///
    /// #[kind_test]
    /// async fn answers(context: TestContext) -> anyhow::Result<()> {
    ///     context.apply_files("deploy").await?;
    ///     let address = context.reach("web", 80).await?;
    ///     // Or any client, with `format!("http://{address}/healthz")`.
    ///     let mut stream = TcpStream::connect(address).await?;
    ///     stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await?;
    ///     let mut answer = String::new();
    ///     stream.read_to_string(&mut answer).await?;
    ///     assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    ///     Ok(())
    /// }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// When there is no such Service, pod or port (those there are are listed), nothing behind it gets ready, no node has
    /// `socat`, or the cluster belongs to somebody else.
    pub async fn reach(&self, target: &str, port: impl Into<Port>) -> Result<SocketAddr, ReachError> {
        let target = Target::new(target, self.namespace().map(TestNamespace::name))?;
        let (what, end) = (format!("the way to {target}"), CancellationToken::new());
        let guard = end.clone().drop_guard();
        let address = reach::open(self.cluster(), self.client(), self.config(), (target, port.into()), end).await?;
        self.on_end(what, async move || {
            drop(guard);
            Ok::<_, Infallible>(())
        });
        Ok(address)
    }

    /// What tells this test from others on the same cluster, at most as long as a label.
    fn holder(&self) -> String {
        self.namespace().map_or_else(
            || {
                let identity = format!("{} {}", std::process::id(), self.test_name());
                format!("{:x}", Sha256::digest(identity)).split_off(32)
            },
            ToString::to_string,
        )
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
