//! What goes wrong beside a test and does not fail it. It is told through `tracing` to whoever subscribed; in a test where
//! nobody did it is printed, because a library must not subscribe for its user.

use std::{fmt::Display, fs::File, io, sync::Mutex};

use tracing::{Metadata, dispatcher::get_default, level_filters::LevelFilter, subscriber::NoSubscriber};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, filter_fn},
    fmt::layer,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Tells a warning.
pub fn warn(text: impl Display) {
    if get_default(tracing::Dispatch::is::<NoSubscriber>) {
        eprintln!("kind: warning: {text}");
    } else {
        tracing::warn!("{text}");
    }
}

/// Subscribes in a process that is ours alone: everything that `RUST_LOG` asks for of our own crates goes to standard error,
/// which is the process' log, and warnings into a file as well, one a line.
pub fn subscribe(log: Option<&str>, warnings: Option<File>) {
    let ours = || filter_fn(|event: &Metadata<'_>| event.target().starts_with("kind_"));
    let wanted =
        EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).parse_lossy(log.unwrap_or_default());
    let all = layer().with_ansi(false).with_writer(io::stderr).with_filter(wanted.and(ours()));
    let warnings = warnings.map(|file| {
        let plain = layer().with_ansi(false).without_time().with_level(false).with_target(false);
        plain.with_writer(Mutex::new(file)).with_filter(LevelFilter::WARN.and(ours()))
    });
    if let Err(error) = tracing_subscriber::registry().with(all).with(warnings).try_init() {
        eprintln!("subscribe to warnings: {error}");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Somebody who listens.
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Heard {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_subscribed_hears_of_it() {
        let heard = Heard::default();
        let writer = heard.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || warn("the engine is old"));
        let heard = String::from_utf8(heard.0.lock().unwrap().clone()).unwrap();
        assert!(heard.contains("WARN") && heard.contains("the engine is old"), "{heard}");
    }
}
