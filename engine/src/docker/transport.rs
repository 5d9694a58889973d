//! Requests to the engine over HTTP, and the connections that carry them: a socket, TCP, TLS, or a command over ssh.
//!
//! One kind of connection for all of them, so that commands with streams (which take over their connection) work in the
//! same way everywhere.

use std::{
    future::Future,
    io,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bollard::{BollardRequest, ClientVersion, Docker};
use hyper::{
    Uri,
    rt::{Read, ReadBufCursor, Write},
};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use tower_service::Service;

use super::{ssh::Ssh, tls::Tls};
use crate::{EngineAddress, EngineError, address::Target};

/// How long the engine may take to answer a request; uploads and commands may take longer, their answers do not.
const LIMIT_SECONDS: u64 = 120;
/// How long a port may take to be connected to.
const CONNECT: Duration = Duration::from_secs(20);
/// How long a connection is kept for the next request; with TLS and ssh a new one is dear.
const KEPT: Duration = Duration::from_secs(30);
/// Docker's own client says so where the address has no name for the engine.
const NAME: &str = "http://api.moby.localhost";

/// A client of that engine. Nothing is connected yet.
pub(super) fn client(address: &EngineAddress, version: &ClientVersion) -> Result<Docker, EngineError> {
    let connector = Connector(Arc::new(way(address)?));
    let is_near = matches!(*connector.0, Way::Unix(_));
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(KEPT)
        .pool_max_idle_per_host(if is_near { 0 } else { 8 })
        .build(connector);
    let transport = move |request: BollardRequest| {
        let answer = client.request(request);
        async move { answer.await.map_err(|error| io::Error::other(error).into()) }
    };
    let docker = Docker::connect_with_custom_transport(transport, Some(NAME), LIMIT_SECONDS, version);
    docker.map_err(|error| EngineError::Unreachable {
        address: address.host.clone(),
        found_by: address.found_by.to_string(),
        source: Box::new(error),
    })
}

/// How connections are made.
enum Way {
    Unix(PathBuf),
    Tcp(String, u16),
    Tls(Tls, String, u16),
    Ssh(Ssh),
}

fn way(address: &EngineAddress) -> Result<Way, EngineError> {
    Ok(match address.target()? {
        Target::Unix(path) => Way::Unix(path),
        Target::Tcp { host, port } => match &address.tls {
            None => Way::Tcp(host, port),
            Some(files) => Way::Tls(Tls::new(address, files, &host)?, host, port),
        },
        Target::Ssh { user, host, port, socket } => Way::Ssh(Ssh::new(&address.found_by, user, host, port, socket)),
    })
}

impl Way {
    async fn connect(&self) -> io::Result<Wire> {
        Ok(match self {
            Self::Unix(path) => Wire::new(UnixStream::connect(path).await?),
            Self::Tcp(host, port) => Wire::new(tcp(host, *port).await?),
            Self::Tls(tls, host, port) => Wire::new(tls.connect(tcp(host, *port).await?).await?),
            Self::Ssh(ssh) => Wire::new(ssh.connect().await?),
        })
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {} s", CONNECT.as_secs()));
    let stream = tokio::time::timeout(CONNECT, TcpStream::connect((host, port))).await.map_err(late)??;
    // Small pieces of a command's streams must not wait for each other.
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[derive(Clone)]
struct Connector(Arc<Way>);

impl Service<Uri> for Connector {
    type Response = Wire;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Wire>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let way = Arc::clone(&self.0);
        Box::pin(async move { way.connect().await })
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection to the engine, whatever carries it.
struct Wire(TokioIo<Box<dyn Stream>>);

impl Wire {
    fn new(stream: impl Stream + 'static) -> Self {
        Self(TokioIo::new(Box::new(stream)))
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
