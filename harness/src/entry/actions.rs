//! What a test does with its cluster: objects in it, ways into it and out of it.
//!
//! Thin: what happens is in `apply`, `reach`, `expose` and `webhooks`; here it becomes the test's, and ends with it.

use std::{
    convert::Infallible,
    error::Error,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
};

use http::{Request, Response};
use hyper::body::{Body, Bytes, Incoming};
use kind_core::{
    cluster::{ClusterError, api_servers},
    wait::ApiServer,
};
use kube::api::DynamicObject;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::{context::TestContext, namespace::TestNamespace};
use crate::{
    acting::Acting,
    apply::{self, Applier, ApplyError},
    expose::{self, ExposeError},
    reach::{self, Port, ReachError, Target},
    webhooks::{self, Answers, Certificate, Marks, Place, WebhookError},
};

type BoxError = Box<dyn Error + Send + Sync>;

impl TestContext {
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
    /// folder, in the order of their names; or with what kustomize makes of a folder that has a `kustomization.yaml` (the `kubectl`
    /// of a node renders it, of files of this machine only). A path is relative to the package's folder, where Cargo runs tests.
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
    /// As [`apply`](Self::apply), and when a file cannot be read, a folder holds none, or kustomize makes nothing of it.
    pub async fn apply_files(&self, path: impl AsRef<Path>) -> Result<Vec<DynamicObject>, ApplyError> {
        let path = path.as_ref();
        let items = match apply::kustomization(path) {
            Some(folder) => apply::render(self.cluster(), folder).await?,
            None => apply::from_path(path)?,
        };
        self.apply_items(items).await
    }

    async fn apply_items(&self, items: Vec<apply::Item>) -> Result<Vec<DynamicObject>, ApplyError> {
        let (client, servers) = (self.client(), async || self.api_servers().await);
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

    /// The address under which the cluster's nodes and pods reach a port of this process, over TCP, until the test ends: `local` is
    /// where something listens, such as a `TcpListener` bound to `127.0.0.1:0` and its `local_addr`.
    ///
    /// Where the cluster's network is one of this machine's, the address is that of its gateway. Elsewhere (the engine is another
    /// machine's or runs in one of its own, or the test in a container) it is a port of the first node, from which connections
    /// come through the engine; it is closed when that node stops.
    ///
    /// ```no_run
    /// use kind_harness::{TestContext, kind_test};
    /// use tokio::net::TcpListener;
    ///
    /// #[kind_test]
    /// async fn calls_back(context: TestContext) -> anyhow::Result<()> {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     let address = context.expose(listener.local_addr()?).await?;
    ///     // Pods find it as `http://{address}/`.
    /// #   Ok(())
    /// }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// When the nodes reach this machine in neither way, or the cluster belongs to somebody else.
    pub async fn expose(&self, local: SocketAddr) -> Result<SocketAddr, ExposeError> {
        let end = CancellationToken::new();
        let guard = end.clone().drop_guard();
        let address = expose::open(self.cluster(), local, end).await?;
        self.on_end(format!("the way from the cluster to {local}"), async move || {
            drop(guard);
            Ok::<_, Infallible>(())
        });
        Ok(address)
    }

    /// Serves webhooks from this process, and applies the objects that have them called, as [`apply`](Self::apply) does:
    /// admission (`ValidatingWebhookConfiguration`, `MutatingWebhookConfiguration`) and conversion (in definitions of custom
    /// resources). Returns when every API server calls them, and the objects as the cluster has them then.
    ///
    /// `service` answers: an `axum::Router`, or any other `tower` service for requests of `http` 1. The objects may be those that
    /// are deployed elsewhere: their `clientConfig`s lead to this process instead, under the path that they have, and have the
    /// authority of a certificate that is made for this test. Each configuration gets one webhook more, `ready.io.kind-rs`, by
    /// which an API server is seen to know it.
    ///
    /// On a cluster that other tests use at the same time, configurations get the test's namespace into their names, and are
    /// asked about the namespace's objects only; of what is cluster-wide they are asked by everybody. `access = "fresh"` or
    /// `"exclusive"` takes them as they are. The service runs on a thread of its own, also while the test blocks its thread.
    ///
    /// ```no_run
    /// use axum::{Json, Router, routing::post};
    /// use kind_harness::{TestContext, kind_test};
    /// use serde_json::{Value, json};
    ///
    /// /// Says no to everything.
    /// async fn validate(Json(review): Json<Value>) -> Json<Value> {
    ///     let response = json!({ "uid": review["request"]["uid"], "allowed": false, "status": { "message": "not today" } });
    ///     Json(json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response }))
    /// }
    ///
    /// #[kind_test]
    /// async fn says_no(context: TestContext) -> anyhow::Result<()> {
    ///     let router = Router::new().route("/validate", post(validate));
    ///     context.serve_webhooks(router, "
    ///         apiVersion: admissionregistration.k8s.io/v1
    ///         kind: ValidatingWebhookConfiguration
    ///         metadata: { name: orders }
    ///         webhooks:
    ///           - name: orders.example.org
    ///             clientConfig: { service: { namespace: orders, name: webhooks, path: /validate } }
    ///             rules: [{ apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps] }]
    ///             admissionReviewVersions: [v1]
    ///             sideEffects: None
    ///     ").await?;
    ///     let refused = context.apply("{ apiVersion: v1, kind: ConfigMap, metadata: { name: order } }").await;
    ///     assert!(format!("{:?}", refused.unwrap_err()).contains("not today"));
    ///     Ok(())
    /// }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// When no object calls a webhook, the test has no namespace, the cluster cannot reach this process
    /// ([`expose`](Self::expose)), refuses an object, or an API server has not called a webhook within a minute.
    pub async fn serve_webhooks<S, B>(
        &self,
        service: S,
        objects: impl Serialize,
    ) -> Result<Vec<DynamicObject>, WebhookError>
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>,
        S: Clone + Send + Sync + 'static,
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let mut items = apply::from_value(objects)?;
        let namespace = self.namespace().ok_or(WebhookError::ReadOnly)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(WebhookError::Listen)?;
        let local = listener.local_addr().map_err(WebhookError::Listen)?;
        let address = self.expose(local).await?;
        let certificate = Certificate::of(address.ip()).map_err(|error| WebhookError::Certificate(error.into()))?;
        let is_shared = self.arranged.is_shared;
        let place = Place { address, authority: &certificate.authority, namespace, is_shared };
        let count = webhooks::rewrite(&mut items, &place)?;
        let (word, end) = (format!("{namespace} calls {address}"), CancellationToken::new());
        let guard = end.clone().drop_guard();
        webhooks::serve(listener, certificate, word.clone(), Answers::of(service), end)?;
        self.on_end("the webhooks' server", async move || {
            drop(guard);
            Ok::<_, Infallible>(())
        });
        let applied = self.apply_items(items).await?;
        let marks = Marks { namespace, count, word: &word };
        webhooks::known_everywhere(&self.api_servers().await?, &marks).await?;
        Ok(applied)
    }

    /// Who asks as a service account of the test's namespace (of `default`, with `access = "read"`): what that may do is what its
    /// roles allow, and [`rules_used`](Acting::rules_used) says what it asked for. The account need not be there.
    ///
    /// ```no_run
    /// use k8s_openapi::api::core::v1::ConfigMap;
    /// use kind_harness::{TestContext, kind_test};
    /// use kube::Api;
    ///
    /// #[kind_test]
    /// async fn needs_what_it_is_given(context: TestContext) -> anyhow::Result<()> {
    ///     context.apply_files("deploy/rbac.yaml").await?;
    ///     let robot = context.acting_as("robot")?;
    ///     let maps: Api<ConfigMap> = Api::default_namespaced(robot.client().clone());
    ///     // Or a controller that is given this client.
    ///     maps.list(&Default::default()).await?;
    ///     let used = robot.rules_used();
    ///     assert!(used.cluster_role.is_empty(), "it asked for more than its namespace has:\n{used}");
    ///     Ok(())
    /// }
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// When there can be no client for it: its name is none that a header takes.
    pub fn acting_as(&self, service_account: &str) -> kube::Result<Acting> {
        let namespace = &self.config().default_namespace;
        Acting::new(self.config().clone(), namespace, service_account, self.activity())
    }

    /// Every API server of the cluster; of somebody else's the one that is known.
    async fn api_servers(&self) -> Result<Vec<ApiServer>, ClusterError> {
        let cluster = self.cluster();
        if cluster.is_ours() {
            return api_servers(cluster.record(), cluster.kubeconfig().await?).await;
        }
        Ok(vec![ApiServer { name: cluster.name().to_owned(), client: self.client().clone() }])
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
}
