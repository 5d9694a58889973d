//! When to stop: SIGTERM, which is what the kubelet sends first, or SIGINT from a terminal.

use tokio::signal::unix::{SignalKind, signal};

/// Resolves once the process is asked to end.
pub(super) async fn requested() {
    tokio::select! {
        () = received(SignalKind::terminate()) => {}
        () = received(SignalKind::interrupt()) => {}
    }
}

async fn received(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        // Without a handler the signal ends the process the default way; nothing to wait for here.
        Err(_) => std::future::pending().await,
    }
}
