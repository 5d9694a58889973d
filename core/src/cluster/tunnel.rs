//! A way to a port of a container where the engine's published ports do not lead: a listener on this machine's loopback,
//! whose connections go through the engine itself, each to a `socat` that the engine runs in a container.
//!
//! Tunnels belong to the process and end with it: a client may outlive the handle that it came from, and the runtime of
//! the test that first asked.

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use kind_engine::{Command, Engine, EngineError, Streams};
use tokio::net::{TcpListener, TcpStream};

/// The containers from which a port is reached, the best first, and the port as they name it (`NAME:6443`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    pub(crate) containers: Vec<String>,
    pub(crate) target: String,
}

/// The tunnels of this process, by where they lead.
static OPEN: Mutex<BTreeMap<(String, Route), SocketAddr>> = Mutex::new(BTreeMap::new());

/// The address on this machine that leads there: of the tunnel that this process has, else of a new one. `key` tells
/// containers of one name apart.
///
/// # Errors
/// When there is no port, or no thread.
pub(crate) fn address(key: &str, route: Route, engine: Arc<dyn Engine>) -> io::Result<SocketAddr> {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (key.to_owned(), route);
    if let Some(address) = open.get(&key) {
        return Ok(*address);
    }
    let address = listen((Ipv4Addr::LOCALHOST, 0).into(), key.1.clone(), engine)?;
    open.insert(key, address);
    Ok(address)
}

/// Opens a tunnel at that address, for as long as this process lives.
///
/// # Errors
/// When the port is taken, or there is no thread.
pub fn listen(at: SocketAddr, route: Route, engine: Arc<dyn Engine>) -> io::Result<SocketAddr> {
    let listener = StdListener::bind(at)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Connections of the caller's engine may wait for the caller's runtime.
    let engine = engine.apart();
    thread::Builder::new().name("kind-tunnel".to_owned()).spawn(move || {
        if let Err(error) = runtime.block_on(serve(listener, Arc::new(route), engine)) {
            tracing::warn!("the tunnel at {address} ended: {error}");
        }
    })?;
    Ok(address)
}

async fn serve(listener: StdListener, route: Arc<Route>, engine: Arc<dyn Engine>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let usable = Arc::new(Mutex::new(None));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // The other side was faster; others come.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => return Err(error),
        };
        let (route, engine, usable) = (Arc::clone(&route), Arc::clone(&engine), Arc::clone(&usable));
        tokio::spawn(async move {
            if let Err(error) = forward(&route, &*engine, &usable, stream).await {
                tracing::debug!("a connection to {}: {error}", route.target);
            }
        });
    }
}

/// Passes one connection on, through the first container that can. `usable` is the one that could the last time.
async fn forward(
    route: &Route,
    engine: &dyn Engine,
    usable: &Mutex<Option<usize>>,
    stream: TcpStream,
) -> Result<(), EngineError> {
    stream.set_nodelay(true).ok();
    let (mut from, mut to) = stream.into_split();
    let command = Command::new(["socat", "-", &format!("TCP:{},connect-timeout=10", route.target)]);
    let known = || usable.lock().unwrap_or_else(PoisonError::into_inner);
    let first: Option<usize> = *known();
    let others = (0..route.containers.len()).filter(|index| Some(*index) != first);
    let mut failed = None;
    for index in first.into_iter().chain(others) {
        let container = &route.containers[index];
        // What an engine says of a missing program would come as if the other side had said it.
        if Some(index) != first {
            match engine.exec(container, &Command::new(["socat", "-V"])).await {
                Ok(output) if output.exit_code == 0 => {}
                Ok(_) => continue,
                Err(error) => {
                    failed = Some(error);
                    continue;
                }
            }
        }
        *known() = Some(index);
        let mut said = Vec::new();
        let streams = Streams { stdin: Some(&mut from), stdout: &mut to, stderr: &mut said, terminal: None };
        match engine.exec_streaming(container, &command, streams).await {
            Ok(0) => return Ok(()),
            Ok(code) => {
                tracing::debug!(container, code, "socat: {}", String::from_utf8_lossy(&said).trim());
                return Ok(());
            }
            // It does not run: nothing was read or written yet.
            Err(error) if error.is_not_found() || error.is_conflict() => {
                known().take();
                failed = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    failed.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use kind_engine::{FakeEngine, Outcome};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn route() -> Route {
        Route { containers: vec!["x-lb".to_owned(), "x-control-plane".to_owned()], target: "x-lb:6443".to_owned() }
    }

    async fn ask(address: SocketAddr, question: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(question).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn connections_go_through_the_first_container_that_can() {
        let engine = Arc::new(FakeEngine::default());
        engine.when("exec x-lb socat -V", Outcome::Exit(127, String::new()));
        engine.when("exec x-control-plane socat - TCP:x-lb:6443", Outcome::Print("hello".to_owned()));
        let address = address("one", route(), engine.clone()).unwrap();
        assert_eq!(ask(address, b"who").await, "hello");
        assert_eq!(ask(address, b"again").await, "hello");
        let looked: Vec<String> = engine.calls().into_iter().filter(|call| call.ends_with("-V")).collect();
        assert_eq!(looked.len(), 2, "what could once is asked first: {looked:?}");
        assert!(engine.calls().iter().any(|call| call.contains("< \"again\"")), "{:?}", engine.calls());
    }

    #[tokio::test]
    async fn a_process_has_one_tunnel_to_each_place() {
        let engine: Arc<dyn Engine> = Arc::new(FakeEngine::default());
        let first = address("two", route(), Arc::clone(&engine)).unwrap();
        assert_eq!(address("two", route(), Arc::clone(&engine)).unwrap(), first);
        assert_ne!(address("three", route(), engine).unwrap(), first);
    }

    #[tokio::test]
    async fn where_no_container_can_the_connection_ends() {
        let engine = Arc::new(FakeEngine::default());
        engine.when("socat", Outcome::Refuse("it is paused".to_owned()));
        let address = address("four", route(), engine).unwrap();
        assert_eq!(ask(address, b"").await, "");
    }
}
