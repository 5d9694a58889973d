//! A Kubernetes API for unit tests: answers from a function, remembers what it was asked.

use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tower::Layer as _;

use crate::activity::{Activity, Recorder};

/// A scripted API.
#[derive(Clone, Default)]
pub(crate) struct FakeApi {
    calls: Arc<Mutex<Vec<String>>>,
}

/// What the API answers: a status and an object, or a text.
pub(crate) enum Answer {
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
    pub(crate) fn ok(object: Value) -> Self {
        Self::Json(200, object)
    }

    /// An empty list.
    pub(crate) fn no_items() -> Self {
        Self::items(&json!([]))
    }

    /// A list of these objects.
    pub(crate) fn items(items: &Value) -> Self {
        Self::ok(json!({ "apiVersion": "v1", "kind": "List", "metadata": {}, "items": items }))
    }

    /// A refusal.
    pub(crate) fn refused(code: u16, message: &str) -> Self {
        let status = json!({ "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
            "message": message, "reason": "Refused", "code": code });
        Self::Json(code, status)
    }
}

impl FakeApi {
    /// A client whose requests `answer` sees as method and path with query.
    pub(crate) fn client(&self, answer: impl Fn(&Method, &str, Value) -> Answer + Send + Sync + 'static) -> Client {
        self.recorded(&Arc::default(), answer)
    }

    /// Such a client whose requests are also noted as a test's.
    pub(crate) fn recorded(
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
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}
