//! The awaits that a future hangs at. Whatever a pending future waits on keeps the waker that it was polled with, and to
//! keep one is to clone it: a waker that takes a backtrace when it is cloned shows the chain of async functions down to
//! the await, for any future, whoever wrote it.

use std::{
    backtrace::Backtrace,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use cooked_waker::{IntoWaker as _, Wake, WakeRef};

use super::frames::chain;

/// How many awaits are told: a body that hangs at more of them at once hangs at all of them for the same reason.
const MOST: usize = 8;

/// What was seen of a future in one more poll.
pub enum Looked<T> {
    /// It ended after all.
    Ended(T),
    /// It hangs at these, each a chain of places in the source, the innermost first.
    Hangs(Vec<Vec<String>>),
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Option<Vec<Backtrace>>>>);

/// Wakes as the waker that it stands for does, and takes a backtrace when it is cloned.
struct Spy {
    waker: Waker,
    seen: Seen,
}

impl Seen {
    fn note(&self) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = seen.as_mut().filter(|seen| seen.len() < 4 * MOST) {
            seen.push(Backtrace::force_capture());
        }
    }

    fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    fn end(&self) -> Vec<Backtrace> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}

impl Clone for Spy {
    fn clone(&self) -> Self {
        self.seen.note();
        Self { waker: self.waker.clone(), seen: self.seen.clone() }
    }
}

impl WakeRef for Spy {
    fn wake_by_ref(&self) {
        self.waker.wake_by_ref();
    }
}

impl Wake for Spy {}

/// Polls the future once more and looks where it hangs.
pub async fn look<F: Future>(mut future: Pin<&mut F>) -> Looked<F::Output> {
    let seen = Seen::default();
    let polled = poll_fn(|context| Poll::Ready(poll_spied_on(future.as_mut(), context, &seen))).await;
    match polled {
        Poll::Ready(output) => Looked::Ended(output),
        Poll::Pending => {
            let here = std::env::current_dir().unwrap_or_default();
            let mut chains: Vec<Vec<String>> = Vec::new();
            for backtrace in seen.end() {
                let chain = chain(&backtrace.to_string(), BOUNDARY, &here);
                if !chain.is_empty() && !chains.contains(&chain) && chains.len() < MOST {
                    chains.push(chain);
                }
            }
            Looked::Hangs(chains)
        }
    }
}

/// The function below which a backtrace is the future's.
const BOUNDARY: &str = "poll_spied_on";

#[inline(never)]
fn poll_spied_on<F: Future>(future: Pin<&mut F>, context: &Context<'_>, seen: &Seen) -> Poll<F::Output> {
    let spy = Box::new(Spy { waker: context.waker().clone(), seen: seen.clone() }).into_waker();
    seen.begin();
    future.poll(&mut Context::from_waker(&spy))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn hangs_on<F: Future>(future: F) -> Vec<Vec<String>> {
        let mut future = std::pin::pin!(future);
        match look(future.as_mut()).await {
            Looked::Ended(_) => panic!("it ended"),
            Looked::Hangs(chains) => chains,
        }
    }

    #[tokio::test]
    async fn a_future_that_ends_is_not_hanging() {
        let mut future = std::pin::pin!(async { 7 });
        assert!(matches!(look(future.as_mut()).await, Looked::Ended(7)));
    }

    /// Code of this crate is not told, so what is told here is that there is something to tell.
    #[tokio::test]
    async fn the_waker_still_wakes() {
        let (sender, channel) = tokio::sync::oneshot::channel::<u32>();
        let mut future = std::pin::pin!(channel);
        assert!(matches!(look(future.as_mut()).await, Looked::Hangs(_)));
        let send = async {
            tokio::task::yield_now().await;
            sender.send(7).unwrap();
        };
        let (received, ()) = tokio::join!(future, send);
        assert_eq!(received, Ok(7));
    }

    #[tokio::test]
    async fn nothing_is_kept_of_a_future_that_keeps_no_waker() {
        assert_eq!(hangs_on(std::future::pending::<()>()).await, Vec::<Vec<String>>::new());
    }
}
