//! The listener, and its connections through the engine.

use std::{
    future::pending,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use kind_core::{
    cluster::{Cluster, ClusterError, Node},
    wait::{Check, until_or},
};
use kind_engine::{Command, Engine, EngineError, Streams};
use kube::Client;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    ReachError,
    resolve::resolve,
    target::{Port, Target},
};

/// How long something may take to be ready to answer.
const LIMIT: Duration = Duration::from_secs(30);
const EVERY: Duration = Duration::from_millis(200);
/// How long the API has to say where something is now.
const ANSWER: Duration = Duration::from_secs(5);
/// How a connection is made: again for some seconds, because not every node knows at once what is behind a Service.
const TRIES: &str = "connect-timeout=5,retry=20,interval=0.25";

/// Waits until the target can answer, and opens a port on this machine's loopback that leads to it until `end`.
///
/// It has a thread and clients of its own: a test may block its thread, and ask there.
pub(crate) async fn open(
    cluster: &Cluster,
    client: &Client,
    config: &kube::Config,
    (target, port): (Target, Port),
    end: CancellationToken,
) -> Result<SocketAddr, ReachError> {
    let engine = Arc::clone(cluster.engine().await?);
    let ready = until_or(EVERY, format!("{target} to be ready"), LIMIT, async || {
        match timeout(ANSWER, resolve(client, &target, &port)).await {
            Ok(Ok(address)) => Ok(Check::Done(address)),
            Ok(Err(ReachError::NothingBehind { why, .. })) => Ok(Check::NotYet(why)),
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(Check::not_yet("the API does not answer")),
        }
    });
    let address = ready.await?.map_err(|source| ReachError::Late { target: target.to_string(), source })?;
    let nodes: Vec<String> = cluster.nodes().iter().map(Node::container).map(ToOwned::to_owned).collect();
    let ways = Ways { engine, nodes, usable: Mutex::default() };
    if !ways.find().await? {
        return Err(ReachError::NoSocat { target: target.to_string(), image: cluster.record().image.clone() });
    }
    let ways = Ways { engine: ways.engine.apart(), ..ways };
    let name = target.to_string();
    let config = config.clone();
    let last = Mutex::new(address);
    let make = move || {
        let client = Client::try_from(config).map_err(io::Error::other)?;
        Ok(async move || now(&client, &target, &port, &last).await)
    };
    listen(ways, make, end).map_err(|source| ReachError::Listen { target: name, source })
}

/// Where the target is now; where that cannot be told, where it was.
async fn now(client: &Client, target: &Target, port: &Port, last: &Mutex<String>) -> String {
    let found = timeout(ANSWER, resolve(client, target, port)).await;
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    match found {
        Ok(Ok(address)) => *last = address,
        Ok(Err(error)) => tracing::debug!("{error}"),
        Err(_) => tracing::debug!("reach {target}: the API does not answer"),
    }
    last.clone()
}

/// Containers from which the cluster's network is reached.
pub(super) struct Ways {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) nodes: Vec<String>,
    /// The one that could the last time.
    pub(super) usable: Mutex<Option<usize>>,
}

/// Listens, and serves until `end` on a thread of its own. `make` makes what says where connections go.
pub(super) fn listen<Where: AsyncFn() -> String>(
    ways: Ways,
    make: impl FnOnce() -> io::Result<Where> + Send + 'static,
    end: CancellationToken,
) -> io::Result<SocketAddr> {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("kind-reach".to_owned()).spawn(move || {
        let served = runtime.block_on(async {
            let (listener, find) = (TcpListener::from_std(listener)?, make()?);
            tokio::select! {
                biased;
                () = end.cancelled() => Ok(()),
                served = ways.serve(&listener, &find) => served,
            }
        });
        if let Err(error) = served {
            tracing::warn!("the port {address} of this machine, which led into a cluster, is closed: {error}");
        }
    })?;
    Ok(address)
}

impl Ways {
    async fn serve(&self, listener: &TcpListener, find: &impl AsyncFn() -> String) -> io::Result<()> {
        let mut connections = FuturesUnordered::new();
        loop {
            let next = async {
                match connections.next().await {
                    Some(()) => {}
                    None => pending().await,
                }
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = next => continue,
            };
            match accepted {
                Ok((stream, _)) => connections.push(async move {
                    let to = find().await;
                    if let Err(error) = self.forward(&to, stream).await {
                        tracing::warn!("a connection to {to} in the cluster failed: {error}");
                    }
                }),
                // The other side was faster; others come.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn usable(&self) -> Option<usize> {
        *self.usable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn use_next(&self, index: Option<usize>) {
        *self.usable.lock().unwrap_or_else(PoisonError::into_inner) = index;
    }

    /// Finds a node that can, and says whether there is one.
    ///
    /// What an engine says of a missing program would come as if the other side had said it: so it is asked first.
    async fn find(&self) -> Result<bool, ClusterError> {
        let mut failed = None;
        for (index, node) in self.nodes.iter().enumerate() {
            match self.engine.exec(node, &Command::new(["socat", "-V"])).await {
                Ok(output) if output.exit_code == 0 => {
                    self.use_next(Some(index));
                    return Ok(true);
                }
                Ok(_) => failed = None,
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(false), |error| Err(error.into()))
    }

    /// Passes one connection on, through a node that runs.
    async fn forward(&self, to: &str, stream: TcpStream) -> Result<(), Box<dyn std::error::Error>> {
        stream.set_nodelay(true).ok();
        let (mut from, mut back) = stream.into_split();
        let command = Command::new(["socat", "-", &format!("TCP:{to},{TRIES}")]);
        // One may end between being found and being used.
        for _ in 0..=self.nodes.len() {
            if self.usable().is_none() && !self.find().await? {
                return Err("no running node has `socat`".into());
            }
            let Some(node) = self.usable().and_then(|index| self.nodes.get(index)) else { continue };
            let mut said = Vec::new();
            let streams = Streams { stdin: Some(&mut from), stdout: &mut back, stderr: &mut said, terminal: None };
            match self.engine.exec_streaming(node, &command, streams).await {
                Ok(0) => return Ok(()),
                Ok(code) => {
                    let said = String::from_utf8_lossy(&said);
                    return Err(format!("socat in {node} ended with {code}: {}", said.trim()).into());
                }
                // It does not run: nothing was read or written yet.
                Err(error) if is_not_running(&error) => self.use_next(None),
                Err(error) => return Err(error.into()),
            }
        }
        Err("no node of the cluster runs".into())
    }
}

fn is_not_running(error: &EngineError) -> bool {
    error.is_not_found() || error.is_conflict()
}
