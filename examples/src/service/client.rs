//! The client side, for pods that look at a service from inside the cluster: one GET, one name lookup.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use anyhow::{Context as _, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, lookup_host},
    time::{MissedTickBehavior, interval, timeout},
};

/// How long to go on trying: a Service that was made a moment ago takes a moment to reach every node and the DNS.
const LIMIT: Duration = Duration::from_mins(1);

/// One attempt.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(2);

/// Between attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// The body that a GET of `url` (`http://host[:port]/path`) answers.
///
/// # Errors
/// When nothing answers in time, or the answer is not 200.
pub async fn fetch(url: &str) -> anyhow::Result<String> {
    let rest = url.strip_prefix("http://").with_context(|| format!("{url} does not start with http://"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let request = format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    let answer = eventually(|| exchange(&address, &request)).await.with_context(|| format!("GET {url}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("{answer:?} is not HTTP"))?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        bail!("{url} answered {status}: {body}");
    }
    Ok(body.to_owned())
}

/// The addresses that DNS has for a name, in order, once there are at least `count`.
///
/// # Errors
/// When there are fewer all the time.
pub async fn resolve(name: &str, count: usize) -> anyhow::Result<BTreeSet<IpAddr>> {
    let look_up = async || {
        // A port has to be given; which one does not matter.
        let addresses: BTreeSet<IpAddr> = lookup_host((name, 80)).await?.map(|address| address.ip()).collect();
        ensure!(addresses.len() >= count, "only {addresses:?}");
        Ok(addresses)
    };
    eventually(look_up).await.with_context(|| format!("resolve {name}"))
}

async fn exchange(address: &str, request: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Tries until an attempt succeeds or [`LIMIT`] has passed; then fails with the last attempt's error.
async fn eventually<T>(attempt: impl AsyncFn() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut last_error = None;
    let mut ticks = interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let first_success = async {
        loop {
            ticks.tick().await;
            match timeout(ATTEMPT_LIMIT, attempt()).await {
                Ok(Ok(value)) => return value,
                Ok(Err(error)) => last_error = Some(error),
                Err(_) => last_error = Some(anyhow::anyhow!("no answer within {ATTEMPT_LIMIT:?}")),
            }
        }
    };
    match timeout(LIMIT, first_success).await {
        Ok(value) => Ok(value),
        Err(_) => Err(last_error.unwrap_or_else(|| anyhow::anyhow!("no attempt ended within {LIMIT:?}"))),
    }
}
