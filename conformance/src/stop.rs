//! Ending a run of specs early, in two degrees. What ends then, and how, is each one's own business.

use tokio::sync::watch;

/// How much of a hurry there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Hurry {
    #[default]
    None,
    InOrder,
    AtOnce,
}

/// Whoever may end a run.
#[derive(Debug, Default)]
pub struct Stopper(watch::Sender<Hurry>);

/// What a run looks at to see whether it is to end.
#[derive(Debug, Clone)]
pub struct Stop(Option<watch::Receiver<Hurry>>);

impl Stopper {
    /// What belongs to it, for the run.
    pub fn stop(&self) -> Stop {
        Stop(Some(self.0.subscribe()))
    }

    /// Running specs are to clean up behind themselves and end; no other one begins. Asked again, they are killed.
    pub fn ask(&self) {
        self.0.send_modify(|hurry| *hurry = if *hurry == Hurry::None { Hurry::InOrder } else { Hurry::AtOnce });
    }
}

impl Stop {
    /// Nobody stops this run but its process' end.
    pub fn never() -> Self {
        Self(None)
    }

    /// Whether somebody may ask for the end.
    pub(crate) fn may_come(&self) -> bool {
        self.0.is_some()
    }

    /// Whether somebody asked.
    pub fn is_asked(&self) -> bool {
        self.0.as_ref().is_some_and(|hurry| *hurry.borrow() >= Hurry::InOrder)
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) {
        self.reached(Hurry::InOrder).await;
    }

    /// Waits until somebody asks a second time.
    pub(crate) async fn at_once(&self) {
        self.reached(Hurry::AtOnce).await;
    }

    async fn reached(&self, wanted: Hurry) {
        let Some(hurry) = &self.0 else { return std::future::pending().await };
        // Where nobody is left who could ask, nobody will.
        if hurry.clone().wait_for(|hurry| *hurry >= wanted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn the_second_time_is_more_urgent() {
        let stopper = Stopper::default();
        let stop = stopper.stop();
        assert!(!stop.is_asked() && stop.asked().now_or_never().is_none());
        stopper.ask();
        assert!(stop.is_asked() && stop.asked().now_or_never().is_some() && stop.at_once().now_or_never().is_none());
        stopper.ask();
        assert!(stop.at_once().now_or_never().is_some());
    }

    #[test]
    fn where_nobody_can_ask_nobody_does() {
        let stop = Stopper::default().stop();
        assert!(stop.asked().now_or_never().is_none() && Stop::never().asked().now_or_never().is_none());
    }
}
