//! Listening at the gateway of the cluster's network, where that is an address of this machine.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
};

use kind_core::spec::Instance;
use kind_engine::{Command, Engine, EngineError};
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

/// Where the kernel of a node has its routes.
const ROUTES: &str = "/proc/net/route";
/// Connects to the address (`$0`) and port (`$1`), and prints the line that comes.
const LISTEN_TO: &str = r#"read -r line < "/dev/tcp/$0/$1" && printf '%s' "$line""#;
/// For how many seconds. A firewall may swallow what is sent.
const SECONDS: &str = "3";

/// A listener at the gateway of the node's network; none where this machine does not have that address, or the node does not
/// get through to it.
pub(super) async fn listen(engine: &dyn Engine, node: &str) -> Result<Option<TcpListener>, EngineError> {
    let routes = engine.exec(node, &Command::new(["cat", ROUTES])).await?;
    let Some(gateway) = default_gateway(&String::from_utf8_lossy(&routes.stdout)) else {
        tracing::debug!(node, "it has no default route");
        return Ok(None);
    };
    let listener = match TcpListener::bind((gateway, 0)).await {
        Ok(listener) => listener,
        Err(error) => {
            tracing::debug!(node, "{gateway} is no address of this machine: {error}");
            return Ok(None);
        }
    };
    Ok(arrives(engine, node, &listener).await?.then_some(listener))
}

/// Whether what the node sends there comes here: the same address may be another machine's there.
async fn arrives(engine: &dyn Engine, node: &str, listener: &TcpListener) -> Result<bool, EngineError> {
    let Ok(address) = listener.local_addr() else { return Ok(false) };
    let word = Instance::new().to_string();
    let asked = async {
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        engine.exec(node, &Command::new(["timeout", SECONDS, "bash", "-c", LISTEN_TO, &host, &port])).await
    };
    let said = tokio::select! {
        said = asked => said?,
        error = say(listener, &word) => {
            tracing::debug!(node, "{address}: {error}");
            return Ok(false);
        }
    };
    let arrives = said.stdout == word.as_bytes();
    if !arrives {
        let why = String::from_utf8_lossy(&said.stderr);
        tracing::debug!(node, code = said.exit_code, "it does not reach {address}: {}", why.trim());
    }
    Ok(arrives)
}

/// Says this to whoever comes.
async fn say(listener: &TcpListener, word: &str) -> io::Error {
    loop {
        match listener.accept().await {
            // One that does not listen is none of ours.
            Ok((mut stream, _)) => drop(stream.write_all(format!("{word}\n").as_bytes()).await),
            Err(error) => return error,
        }
    }
}

/// The gateway of the route to everywhere, from the kernel's table: addresses are hexadecimal, their last byte first.
pub(super) fn default_gateway(routes: &str) -> Option<IpAddr> {
    routes.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "00000000", gateway, _, _, _, _, "00000000", ..] = fields[..] else { return None };
        let gateway = u32::from_str_radix(gateway, 16).ok().filter(|gateway| *gateway != 0)?;
        Some(Ipv4Addr::from(gateway.swap_bytes()).into())
    })
}
