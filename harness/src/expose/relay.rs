//! A port of a node whose connections come to this process through the engine: a `socat` in the node listens, and others, one
//! for each connection to come, wait there with their streams in this process.
//!
//! All of them end with the stream of the one that listens, so that a process that is killed leaves none.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use kind_core::{spec::Instance, wait::Pace};
use kind_engine::{Command, Engine, EngineError, Streams};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, BufReader, copy_bidirectional, duplex, sink, split},
    net::TcpStream,
    sync::{mpsc, oneshot},
};

use super::ExposeError;

const SERVE: &str = include_str!("serve.sh");
const CLAIM: &str = include_str!("claim.sh");
/// Waits in the folder (`$0`) for one connection, under a number.
const WAIT: &str = r#"cd "$0" && exec socat -d -d -t 5 - "UNIX-LISTEN:$1.ready""#;
/// What `socat -d -d` says when it listens, and when somebody came.
const LISTENS: &str = " listening on ";
const CAME: &str = " accepting connection ";
/// How many wait for connections to come; more are there at once only for the moment that it takes to start another.
const WAITING: usize = 8;
/// How many ports are tried.
const TRIES: usize = 5;
/// Ports that neither the kernel nor Kubernetes gives to anybody.
const PORTS: (u16, u16) = (20_000, 10_000);
/// How fast one that failed is followed by another.
const AGAIN: Duration = Duration::from_secs(1);
/// How much of a connection is on its way.
const BUFFER: usize = 64 * 1024;

/// Listens in the node, and passes what comes on to `local`. `started` hears of the address, or why there is none. Ends when the
/// node no longer listens.
pub(super) async fn serve(
    engine: &dyn Engine,
    (node, address): (&str, IpAddr),
    local: SocketAddr,
    started: oneshot::Sender<Result<SocketAddr, ExposeError>>,
) {
    let mut started = Some(started);
    let mut said = String::new();
    for _ in 0..TRIES {
        let identity = Instance::new().to_string();
        let relay = Relay { engine, node, folder: format!("/run/kind-expose-{identity}"), local };
        let at = SocketAddr::new(address, port(&identity));
        said = relay.listen(at, &mut started).await;
        if started.is_none() {
            tracing::warn!("{at}, which led from the cluster to this process, is closed: {said}");
            return;
        }
    }
    if let Some(started) = started {
        drop(started.send(Err(ExposeError::Relay { node: node.to_owned(), said })));
    }
}

/// Some port; another the next time, because the identity is a random number in hexadecimal digits.
fn port(identity: &str) -> u16 {
    let random = u64::from_str_radix(identity, 16).unwrap_or_default();
    PORTS.0 + u16::try_from(random % u64::from(PORTS.1)).unwrap_or_default()
}

struct Relay<'a> {
    engine: &'a dyn Engine,
    node: &'a str,
    /// Where in the node they find each other.
    folder: String,
    local: SocketAddr,
}

impl Relay<'_> {
    /// Listens and serves until the node no longer listens; says why.
    async fn listen(
        &self,
        at: SocketAddr,
        started: &mut Option<oneshot::Sender<Result<SocketAddr, ExposeError>>>,
    ) -> String {
        let mut command = Command::new(["bash", "-c", SERVE, &self.folder, &at.port().to_string()]);
        command.environment.insert("CLAIM".to_owned(), CLAIM.to_owned());
        let (came, mut coming) = mpsc::unbounded_channel();
        let mut last = String::new();
        // Never written to: that it ends is what ends the command.
        let (mut open, _held) = duplex(1);
        let mut nothing = sink();
        let listening = self.run(&command, &mut open, &mut nothing, |line| {
            if line.contains(LISTENS)
                && let Some(started) = started.take()
            {
                drop(started.send(Ok(at)));
                for _ in 0..WAITING {
                    came.send(()).ok();
                }
            }
            line.clone_into(&mut last);
        });
        let passing = async {
            let mut connections = FuturesUnordered::new();
            let mut pace = Pace::new(AGAIN);
            let mut number = 0_u64;
            loop {
                tokio::select! {
                    Some(()) = coming.recv() => {
                        number += 1;
                        connections.push(self.connection(number, came.clone()));
                    }
                    Some(outcome) = connections.next() => if let Err(why) = outcome {
                        tracing::debug!(node = self.node, "{why}");
                        pace.next().await;
                        came.send(()).ok();
                    },
                }
            }
        };
        let ended = tokio::select! {
            ended = listening => ended,
            () = passing => return String::new(),
        };
        match ended {
            Ok(code) => format!("socat ended with {code}: {last}"),
            Err(error) => kind_core::causes::chain(&error),
        }
    }

    /// Waits for one connection and passes it on. `came` hears when it is there; an error is of one that never came.
    async fn connection(&self, number: u64, came: mpsc::UnboundedSender<()>) -> Result<(), String> {
        let command = Command::new(["bash", "-c", WAIT, &self.folder, &number.to_string()]);
        let (mut ours, theirs) = duplex(BUFFER);
        let (is_there, there) = oneshot::channel();
        let mut is_there = Some(is_there);
        let waiting = async move {
            let (mut from, mut to) = split(theirs);
            let mut last = String::new();
            let ended = self.run(&command, &mut from, &mut to, |line| {
                if line.contains(CAME)
                    && let Some(is_there) = is_there.take()
                {
                    is_there.send(()).ok();
                    came.send(()).ok();
                }
                line.clone_into(&mut last);
            });
            (ended.await, last)
        };
        let passing = async move {
            if there.await.is_err() {
                return false;
            }
            match TcpStream::connect(self.local).await {
                Ok(mut stream) => {
                    stream.set_nodelay(true).ok();
                    // How it ended is for its two ends to tell.
                    copy_bidirectional(&mut ours, &mut stream).await.ok();
                }
                Err(error) => tracing::warn!("a connection from the cluster to {}: {error}", self.local),
            }
            true
        };
        let ((ended, last), has_come) = tokio::join!(waiting, passing);
        match ended {
            _ if has_come => Ok(()),
            Ok(code) => Err(format!("socat, which waited for a connection, ended with {code}: {last}")),
            Err(error) => Err(kind_core::causes::chain(&error)),
        }
    }

    /// Runs a command in the node, and tells each line of its standard error.
    async fn run(
        &self,
        command: &Command,
        stdin: &mut (dyn AsyncRead + Send + Unpin),
        stdout: &mut (dyn AsyncWrite + Send + Unpin),
        mut on_line: impl FnMut(&str),
    ) -> Result<i64, EngineError> {
        let (mut stderr, lines) = duplex(BUFFER);
        let running = async move {
            let streams = Streams { stdin: Some(stdin), stdout, stderr: &mut stderr, terminal: None };
            self.engine.exec_streaming(self.node, command, streams).await
        };
        let telling = async {
            let mut lines = BufReader::new(lines).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                on_line(&line);
            }
        };
        tokio::join!(running, telling).0
    }
}
