//! The server that ginkgo's parallel processes talk to, over HTTP on the loopback interface.
//!
//! What it answers is what ginkgo's `internal/parallel_support` expects of its own server: 425 for "not yet", and an index
//! for "which group of specs is next". That question is kept waiting until there is an answer.

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Mutex as AsyncMutex, mpsc},
    task::JoinHandle,
};

use crate::report::Report;

/// A group of specs, as ginkgo counts them.
pub(super) type Index = u32;

/// The process that sets the suite up for all of them.
pub(super) const FIRST: u32 = 1;

/// What a process tells.
#[derive(Debug)]
pub(super) enum Said {
    /// It wants to know what is next.
    Idle,
    /// What became of one spec, or of a part of the suite's set-up.
    Ran(Box<Report>),
    /// Something that nobody can read.
    Unreadable(String),
}

/// Our end of the line to one process.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) said: mpsc::UnboundedReceiver<Said>,
    next: mpsc::UnboundedSender<Option<Index>>,
}

impl Line {
    /// The group that the process runs next.
    pub(super) fn run(&self, group: Index) {
        // Where nobody listens the process has ended, which shows elsewhere.
        let _ = self.next.send(Some(group));
    }

    /// Nothing is next, ever.
    pub(super) fn end(&self) {
        let _ = self.next.send(None);
    }
}

/// The server's end.
#[derive(Debug)]
struct Desk {
    said: mpsc::UnboundedSender<Said>,
    next: AsyncMutex<mpsc::UnboundedReceiver<Option<Index>>>,
}

#[derive(Debug, Default)]
struct Desks {
    by_number: BTreeMap<u32, Arc<Desk>>,
    /// What the first process found out for all of them, before any spec.
    set_up: Option<Value>,
    /// The same of what the suite reports before it begins.
    reported: Option<Value>,
    /// The first process ended, and no other one took its place.
    first_is_gone: bool,
}

type Shared = Arc<Mutex<Desks>>;

/// A server. It ends with this value.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    /// The first part of every path: other users of this machine reach the port, too, and must not report results.
    secret: String,
    desks: Shared,
    serving: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Server {
    pub(super) async fn start() -> io::Result<Self> {
        let desks = Shared::default();
        let secret = secret()?;
        let routes = Router::new()
            .route("/{process}/up", get(async || StatusCode::OK))
            .route("/{process}/suite-will-begin", post(async || StatusCode::OK))
            .route("/{process}/did-run", post(did_run))
            .route("/{process}/suite-did-end", post(async || StatusCode::OK))
            .route("/{process}/emit-output", post(async || StatusCode::OK))
            .route("/{process}/progress-report", post(async || StatusCode::OK))
            .route("/{process}/before-suite-completed", post(set_up))
            .route("/{process}/before-suite-state", get(is_set_up))
            .route("/{process}/report-before-suite-completed", post(reported))
            .route("/{process}/report-before-suite-state", get(is_reported))
            .route("/{process}/have-nonprimary-procs-finished", get(others_ended))
            // What the suite's own last report is about is told to nobody: each spec's is.
            .route("/{process}/aggregated-nonprimary-procs-report", get(async || Json(json!({}))))
            .route("/{process}/counter", get(counter))
            // A process that is interrupted wants the others to end as well. They are not.
            .route("/{process}/abort", get(async || StatusCode::OK).post(async || StatusCode::OK))
            // A report holds everything that a spec printed.
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&desks));
        let routes = Router::new().nest(&format!("/{secret}"), routes);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move {
            // It only ends with its listener, and that with this task.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { address, secret, desks, serving })
    }

    /// As if a first process had been there and had nothing to do.
    pub(super) fn pretend_to_be_set_up(&self) {
        let mut desks = lock(&self.desks);
        desks.set_up = Some(json!({ "State": "passed", "Data": null }));
        desks.reported = Some(json!("passed"));
    }

    /// Where the process of that number finds it: what ginkgo calls the parallel host.
    pub(super) fn host(&self, number: u32) -> String {
        format!("http://{}/{}/{number}", self.address, self.secret)
    }

    /// A line to a process that is about to start with that number.
    pub(super) fn line(&self, number: u32) -> Line {
        let (said, hear) = mpsc::unbounded_channel();
        let (next, wait) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk { said, next: AsyncMutex::new(wait) });
        let mut desks = lock(&self.desks);
        desks.by_number.insert(number, desk);
        desks.first_is_gone &= number != FIRST;
        drop(desks);
        Line { said: hear, next }
    }

    /// The process of that number has ended.
    pub(super) fn close(&self, number: u32) {
        let mut desks = lock(&self.desks);
        desks.by_number.remove(&number);
        desks.first_is_gone |= number == FIRST;
    }
}

/// Sixteen bytes that nobody can guess.
fn secret() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")))
}

fn lock(desks: &Shared) -> std::sync::MutexGuard<'_, Desks> {
    desks.lock().unwrap_or_else(PoisonError::into_inner)
}

fn desk(desks: &Shared, number: u32) -> Result<Arc<Desk>, StatusCode> {
    lock(desks).by_number.get(&number).cloned().ok_or(StatusCode::NOT_FOUND)
}

async fn did_run(State(desks): State<Shared>, Path(number): Path<u32>, body: Bytes) -> Result<(), StatusCode> {
    let said = match serde_json::from_slice(&body) {
        Ok(report) => Said::Ran(Box::new(report)),
        Err(error) => Said::Unreadable(error.to_string()),
    };
    desk(&desks, number)?.said.send(said).map_err(|_| StatusCode::GONE)
}

async fn counter(State(desks): State<Shared>, Path(number): Path<u32>) -> Result<Json<Value>, StatusCode> {
    let desk = desk(&desks, number)?;
    desk.said.send(Said::Idle).map_err(|_| StatusCode::GONE)?;
    let next = desk.next.lock().await.recv().await.flatten();
    // A number past the last group would make the first process go on with every spec that runs alone.
    next.map(|group| Json(json!({ "Index": group }))).ok_or(StatusCode::GONE)
}

async fn set_up(State(desks): State<Shared>, Json(state): Json<Value>) {
    lock(&desks).set_up = Some(state);
}

async fn is_set_up(State(desks): State<Shared>) -> Response {
    let desks = lock(&desks);
    known(desks.set_up.as_ref(), desks.first_is_gone)
}

async fn reported(State(desks): State<Shared>, Json(state): Json<Value>) {
    lock(&desks).reported = Some(state);
}

async fn is_reported(State(desks): State<Shared>) -> Response {
    let desks = lock(&desks);
    known(desks.reported.as_ref(), desks.first_is_gone)
}

fn known(state: Option<&Value>, first_is_gone: bool) -> Response {
    match state {
        Some(state) => Json(state).into_response(),
        None if first_is_gone => StatusCode::GONE.into_response(),
        None => StatusCode::TOO_EARLY.into_response(),
    }
}

/// The first process takes the suite's set-up back when it is alone.
async fn others_ended(State(desks): State<Shared>, Path(number): Path<u32>) -> StatusCode {
    let others = lock(&desks).by_number.keys().any(|other| *other != number);
    if others { StatusCode::TOO_EARLY } else { StatusCode::OK }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    };

    use super::*;

    /// The status of an answer.
    async fn post(server: &Server, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn results_are_only_taken_from_who_knows_the_address() {
        let (server, other) = (Server::start().await.unwrap(), Server::start().await.unwrap());
        let mut line = server.line(FIRST);
        let report = "{}";
        for stranger in [format!("/{FIRST}/did-run"), format!("/{}/{FIRST}/did-run", other.secret)] {
            assert_eq!(post(&server, &stranger, report).await, "404", "{stranger}");
        }
        assert!(line.said.try_recv().is_err(), "a stranger's result was taken");
        let host = server.host(FIRST);
        let path = host.strip_prefix(&format!("http://{}", server.address)).unwrap();
        assert_eq!(post(&server, &format!("{path}/did-run"), report).await, "200");
        assert!(line.said.try_recv().is_ok());
    }
}
