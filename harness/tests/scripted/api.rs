//! An API server that answers from a script, on a port of its own, and remembers what it was asked.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// What must never be seen of the namespace.
pub(crate) const SECRETS: [&str; 3] = ["hunter2hunter2", "aHVudGVyMmh1bnRlcjI=", "MIIEpAIBAAKCAQEA0123456789abcdefgh"];

/// A running API server.
pub(crate) struct ScriptedApi {
    calls: Arc<Mutex<Vec<String>>>,
    folder: tempfile::TempDir,
}

impl ScriptedApi {
    /// Starts one for the current runtime.
    pub(crate) async fn start() -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let server = format!("http://{}", listener.local_addr()?);
        let calls = Arc::<Mutex<Vec<String>>>::default();
        let noted = Arc::clone(&calls);
        let answer = async move |method: Method, uri: Uri, body: Bytes| {
            noted.lock().expect("no panic").push(format!("{method} {}", uri.path()));
            answer(&method, &uri, &body).await
        };
        let router = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let folder = tempfile::tempdir()?;
        let kubeconfig = format!(
            "{{apiVersion: v1, kind: Config, current-context: scripted, clusters: [{{name: c, cluster: {{server: '{server}'}}}}], \
             users: [{{name: u, user: {{token: {}}}}}], contexts: [{{name: scripted, context: {{cluster: c, user: u}}}}]}}",
            SECRETS[0]
        );
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig)?;
        Ok(Self { calls, folder })
    }

    /// A kubeconfig that leads here.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A folder that goes with the server.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How many requests began with this.
    pub(crate) fn count(&self, call: &str) -> usize {
        self.calls.lock().expect("no panic").iter().filter(|it| it.starts_with(call)).count()
    }
}

async fn answer(method: &Method, uri: &Uri, body: &[u8]) -> Response {
    let path = uri.path();
    let posted = || serde_json::from_slice::<Value>(body).unwrap_or_default();
    match (method.as_str(), path) {
        ("POST", _) => (StatusCode::CREATED, Json(posted())).into_response(),
        ("DELETE", _) => Json(json!({ "kind": "Status", "status": "Success" })).into_response(),
        (_, "/version") => Json(version()).into_response(),
        (_, "/api/v1/nodes") => list(&json!([node()])),
        (_, "/api/v1/namespaces/kube-system") => {
            Json(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "kube-system", "uid": "1" } }))
                .into_response()
        }
        (_, "/api" | "/apis") => refused(),
        (_, path) if path.ends_with("/configmaps/slow") => std::future::pending().await,
        (_, path) if path.starts_with("/api/v1/namespaces/kube-system/") => list(&json!([])),
        (_, path) if path.ends_with("/pods") => list(&json!([pod()])),
        (_, path) if path.ends_with("/log") => {
            format!("connecting\nFATAL: wrong {}\n-----BEGIN PRIVATE KEY-----\n{}\n", SECRETS[0], SECRETS[2])
                .into_response()
        }
        (_, path) if path.ends_with("/secrets") => {
            list(&json!([{ "metadata": { "name": "db" }, "data": { "password": SECRETS[1] } }]))
        }
        _ => list(&json!([])),
    }
}

fn list(items: &Value) -> Response {
    Json(json!({ "apiVersion": "v1", "kind": "List", "metadata": {}, "items": items })).into_response()
}

fn refused() -> Response {
    let status = json!({ "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
        "message": "not here", "reason": "NotFound", "code": 404 });
    (StatusCode::NOT_FOUND, Json(status)).into_response()
}

fn version() -> Value {
    json!({ "major": "1", "minor": "37", "gitVersion": "v1.37.2", "gitCommit": "", "gitTreeState": "", "buildDate": "",
        "goVersion": "", "compiler": "", "platform": "" })
}

fn node() -> Value {
    json!({ "metadata": { "name": "theirs", "labels": { "node-role.kubernetes.io/control-plane": "" } },
        "status": { "conditions": [{ "type": "Ready", "status": "True" }] } })
}

fn pod() -> Value {
    let waiting = json!({ "reason": "CrashLoopBackOff", "message": "back-off 40s" });
    let status = json!({ "name": "main", "image": "i", "imageID": "", "ready": false, "restartCount": 3,
        "state": { "waiting": waiting } });
    json!({ "metadata": { "name": "db-0" },
        "spec": { "containers": [{ "name": "main", "env": [{ "name": "DB_PASSWORD", "value": SECRETS[0] }] }] },
        "status": { "phase": "Running", "containerStatuses": [status] } })
}
