//! A Kubernetes API for unit tests: answers from a function, remembers what it was asked.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "only tests call it, and a panic fails them")]

use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tower::Layer as _;

use crate::{
    activity::{Activity, Recorder},
    cluster::ClusterRecord,
    spec::ClusterName,
};

/// A scripted API.
#[derive(Clone, Default)]
pub struct FakeApi {
    calls: Arc<Mutex<Vec<String>>>,
}

/// What the API answers: a status and an object, or a text.
pub enum Answer {
    /// An object or a list.
    Json(u16, Value),
    /// A log.
    Text(String),
    /// A text, with 404: what a server says of a path that it does not know.
    Text404(&'static str),
    /// Nothing, ever.
    Silence,
}

impl Answer {
    /// The object, with 200.
    pub fn ok(object: Value) -> Self {
        Self::Json(200, object)
    }

    /// An empty list.
    pub fn no_items() -> Self {
        Self::items(&json!([]))
    }

    /// A list of these objects.
    pub fn items(items: &Value) -> Self {
        Self::ok(json!({ "apiVersion": "v1", "kind": "List", "metadata": {}, "items": items }))
    }

    /// A refusal.
    pub fn refused(code: u16, message: &str) -> Self {
        let status = json!({ "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
            "message": message, "reason": "Refused", "code": code });
        Self::Json(code, status)
    }
}

impl FakeApi {
    /// A client whose requests `answer` sees as method and path with query.
    pub fn client(&self, answer: impl Fn(&Method, &str, Value) -> Answer + Send + Sync + 'static) -> Client {
        self.recorded(&Arc::default(), answer)
    }

    /// Such a client whose requests are also noted as a test's.
    pub fn recorded(
        &self,
        activity: &Arc<Activity>,
        answer: impl Fn(&Method, &str, Value) -> Answer + Send + Sync + 'static,
    ) -> Client {
        let (calls, answer) = (Arc::clone(&self.calls), Arc::new(answer));
        let service = tower::service_fn(move |request: Request<Body>| {
            let (calls, answer) = (Arc::clone(&calls), Arc::clone(&answer));
            async move {
                let method = request.method().clone();
                let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
                calls.lock().unwrap().push(format!("{method} {}", request.uri().path()));
                let body = request.into_body().collect_bytes().await.unwrap();
                let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                let (status, body) = match answer(&method, &path, body) {
                    Answer::Json(status, object) => (status, object.to_string()),
                    Answer::Text(text) => (200, text),
                    Answer::Text404(text) => (404, text.to_owned()),
                    Answer::Silence => std::future::pending().await,
                };
                let body = Body::from(body.into_bytes());
                Ok::<_, std::convert::Infallible>(Response::builder().status(status).body(body).unwrap())
            }
        });
        Client::new(Recorder(Arc::clone(activity)).layer(service), "default")
    }

    /// What was asked so far, as `METHOD path`.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

/// A cluster that nobody reaches.
pub fn record() -> ClusterRecord {
    let kubeconfig = "{apiVersion: v1, kind: Config, current-context: c, \
        clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: u, user: {}}], \
        contexts: [{name: c, context: {cluster: c, user: u}}]}";
    ClusterRecord {
        name: ClusterName::new("kt-1").unwrap(),
        image: "node:v1.37.2".to_owned(),
        instance: None,
        kubernetes_version: "v1.37.2".to_owned(),
        nodes: Vec::new(),
        load_balancer: None,
        registry: None,
        server: "http://127.0.0.1:1".to_owned(),
        reached_from: crate::cluster::here(),
        kubeconfig: kubeconfig.to_owned(),
        created: 0,
    }
}
