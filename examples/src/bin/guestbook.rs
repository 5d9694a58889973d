//! The guestbook: an HTTP service, and the small client that the tests run in pods beside it.
//!
//!     guestbook                 serves until SIGTERM
//!     guestbook fetch URL       prints what a GET of the URL answers
//!     guestbook resolve NAME [COUNT]
//!                               prints the addresses of a DNS name, one per line, once there are COUNT (1)

use anyhow::{Context as _, bail};
use kind_examples::service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => service::serve(&service::Settings::from_environment()?).await?,
        ["fetch", url] => print!("{}", service::client::fetch(url).await?),
        ["resolve", name] => print_addresses(name, "1").await?,
        ["resolve", name, count] => print_addresses(name, count).await?,
        _ => bail!("usage: guestbook [fetch URL | resolve NAME [COUNT]]"),
    }
    Ok(())
}

async fn print_addresses(name: &str, count: &str) -> anyhow::Result<()> {
    let count = count.parse().with_context(|| format!("{count} is no number"))?;
    for address in service::client::resolve(name, count).await? {
        println!("{address}");
    }
    Ok(())
}
