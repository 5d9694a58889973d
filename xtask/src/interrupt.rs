//! Ctrl-C and its kin: the first one asks whatever is under way to end, the second one ends us at once.

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// The exit code of a program that was interrupted, as shells report it.
pub const EXIT_CODE: u8 = 130;

/// Tells whether the user wants us to stop.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<u32>);

/// The user stopped us.
#[derive(Debug, thiserror::Error)]
#[error("interrupted; what was finished stays, the next run goes on from there")]
pub struct Interrupted;

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and SIGHUP. Must be called within the tokio runtime.
    ///
    /// # Errors
    /// When the system has no room for a signal handler.
    pub fn listen() -> std::io::Result<Self> {
        let (sender, receiver) = watch::channel(0);
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let mut signals = signal(kind)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    sender.send_modify(|count| *count += 1);
                }
            });
        }
        Ok(Self(receiver))
    }

    /// An interrupt that never comes, for tests.
    pub fn never() -> Self {
        Self(watch::channel(0).1)
    }

    /// An interrupt that has come, for tests.
    #[cfg(test)]
    pub(crate) fn asked() -> Self {
        Self(watch::channel(1).1)
    }

    /// Returns once the user has asked `times` times.
    pub async fn requested(&self, times: u32) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|count| *count >= times).await.is_err() {
            // Nobody can ask any more.
            std::future::pending::<()>().await;
        }
    }

    /// Goes on unless the user has asked us to stop.
    ///
    /// # Errors
    /// When the user has.
    pub fn check(&self) -> Result<(), Interrupted> {
        if *self.0.borrow() == 0 { Ok(()) } else { Err(Interrupted) }
    }

    /// Runs `work` until it is done or the user asks us to stop; then `work` is dropped where it stands.
    ///
    /// # Errors
    /// When the user has asked us to stop.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        tokio::select! {
            biased;
            () = self.requested(1) => Err(Interrupted),
            value = work => Ok(value),
        }
    }
}
