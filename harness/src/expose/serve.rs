//! Finds the way, and serves it on a thread of its own: a test may block its thread.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener},
    pin::Pin,
    sync::Arc,
    thread,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use kind_core::cluster::{Cluster, ClusterError, Node};
use kind_engine::{Command, Engine};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tokio_util::sync::CancellationToken;

use super::{ExposeError, direct, relay};

/// How connections come.
pub(super) enum Way {
    /// To a listener of this process.
    Direct(StdListener),
    /// To a node with this address.
    Relay(String, IpAddr),
}

/// Opens a port where nodes and pods reach it, whose connections are passed on to `local` until `end`.
pub(crate) async fn open(
    cluster: &Cluster,
    local: SocketAddr,
    end: CancellationToken,
) -> Result<SocketAddr, ExposeError> {
    let local = connectable(local)?;
    let engine = cluster.engine().await?;
    let nodes: Vec<String> = cluster.nodes().iter().map(Node::container).map(ToOwned::to_owned).collect();
    let way = find(&**engine, &nodes).await?.ok_or_else(|| ExposeError::NoSocat {
        cluster: cluster.name().to_owned(),
        image: cluster.record().image.clone(),
    })?;
    let listen = |source| ExposeError::Listen { cluster: cluster.name().to_owned(), source };
    let (started, start) = oneshot::channel();
    serve(way, Arc::clone(engine).apart(), local, started, end).map_err(listen)?;
    start.await.map_err(|_| listen(io::Error::other("its thread ended")))?
}

/// Where one connects to whoever listens there.
pub(super) fn connectable(mut local: SocketAddr) -> Result<SocketAddr, ExposeError> {
    if local.port() == 0 {
        return Err(ExposeError::Port { local });
    }
    if local.ip().is_unspecified() {
        let loopback = if local.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        local.set_ip(loopback);
    }
    Ok(local)
}

/// The way from the first node that runs; from none, its error.
pub(super) async fn find(engine: &dyn Engine, nodes: &[String]) -> Result<Option<Way>, ExposeError> {
    let mut failed = None;
    for node in nodes {
        match from_one(engine, node).await {
            Ok(Some(way)) => return Ok(Some(way)),
            Ok(None) => {}
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(None), Err)
}

async fn from_one(engine: &dyn Engine, node: &str) -> Result<Option<Way>, ExposeError> {
    let in_node = |error| ExposeError::Cluster(ClusterError::from(error));
    match direct::listen(engine, node).await.map_err(in_node)?.map(TcpListener::into_std) {
        Some(Ok(listener)) => return Ok(Some(Way::Direct(listener))),
        Some(Err(error)) => tracing::debug!(node, "the listener for it: {error}"),
        None => {}
    }
    if engine.exec(node, &Command::new(["socat", "-V"])).await.map_err(in_node)?.exit_code != 0 {
        return Ok(None);
    }
    let facts = engine.container(node).await.map_err(in_node)?;
    let address = facts.and_then(|facts| facts.address);
    Ok(address.map(|address| Way::Relay(node.to_owned(), address)))
}

/// Serves until `end`, on a thread of its own. `started` hears of the address.
pub(super) fn serve(
    way: Way,
    engine: Arc<dyn Engine>,
    local: SocketAddr,
    started: oneshot::Sender<Result<SocketAddr, ExposeError>>,
    end: CancellationToken,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let serving: Pin<Box<dyn Future<Output = ()> + Send>> = match way {
        Way::Direct(listener) => {
            let _within = runtime.enter();
            let (at, listener) = (listener.local_addr()?, TcpListener::from_std(listener)?);
            drop(started.send(Ok(at)));
            Box::pin(listen(at, listener, local))
        }
        Way::Relay(node, address) => {
            Box::pin(async move { relay::serve(&*engine, (&node, address), local, started).await })
        }
    };
    let run = move || {
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = end.cancelled() => {}
                () = serving => {}
            }
        });
    };
    thread::Builder::new().name("kind-expose".to_owned()).spawn(run).map(drop)
}

async fn listen(at: SocketAddr, listener: TcpListener, local: SocketAddr) {
    if let Err(error) = accept(&listener, local).await {
        tracing::warn!("{at}, which led from the cluster to this process, is closed: {error}");
    }
}

async fn accept(listener: &TcpListener, local: SocketAddr) -> io::Result<()> {
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => connections.push(pass(stream, local)),
                // The other side was faster; others come.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            },
            Some(()) = connections.next() => {}
        }
    }
}

async fn pass(mut stream: TcpStream, local: SocketAddr) {
    match TcpStream::connect(local).await {
        Ok(mut inner) => {
            stream.set_nodelay(true).ok();
            inner.set_nodelay(true).ok();
            // How it ended is for its two ends to tell.
            copy_bidirectional(&mut stream, &mut inner).await.ok();
        }
        Err(error) => tracing::warn!("a connection from the cluster to {local}: {error}"),
    }
}
