//! `kind-rs tunnel`.

use kind_core::tunnel::{self, Opened};

use crate::{args::Tunnel, failure::Failure, output::print, session::Session, signals::Signals};

/// Listens until it is told to end.
pub(crate) async fn run(session: &Session<'_>, args: Tunnel) -> Result<(), Failure> {
    let mut signals = Signals::new().map_err(Failure::Runtime)?;
    let engine = session.engine().await?;
    for Opened { address, container, port } in tunnel::open(&engine, &args.name).await? {
        print(&format!("{address} leads to port {port} of {container}"))?;
    }
    session.console.note("open until this command ends (Ctrl-C)");
    signals.next().await;
    Ok(())
}
