//! The service's life: open, serve, finish what is under way, leave.

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::{Settings, routes, shutdown, store};

/// Serves until SIGTERM, then finishes the requests that are under way.
///
/// # Errors
/// When the address cannot be bound or the Redis address is none. A Redis that does not answer is no error:
/// the service is then up but not ready, and becomes ready when Redis does.
pub async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let store = store::Store::open(&settings.redis_url)?;
    let listener =
        TcpListener::bind(&settings.listen).await.with_context(|| format!("listen on {}", settings.listen))?;
    println!("guestbook {} listens on {}", settings.version, settings.listen);
    let identity = routes::Identity { version: settings.version.clone(), instance: settings.instance.clone() };
    axum::serve(listener, routes::router(identity, store))
        .with_graceful_shutdown(shutdown::requested())
        .await
        .context("serve HTTP")?;
    println!("guestbook finished every request and leaves");
    Ok(())
}
