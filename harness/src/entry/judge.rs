//! What a test's body returned, as passed or failed with a text.
//!
//! A body may return any [`Termination`]. An error that has a chain is told in full; that needs a second way to judge a
//! `Result`, which the compiler prefers because it is an inherent method and the general one is a trait's.

use std::{
    error::Error,
    process::{ExitCode, Termination},
};

use kind_core::causes::lines;

/// The end of a function of the user's: passed, or how it failed, as what it did.
pub type Judged = Result<(), String>;

/// What a body returned.
pub struct Returned<T>(pub T);

impl<T: Termination, E: Into<Box<dyn Error>>> Returned<Result<T, E>> {
    /// Passed unless there is an error, which is told with everything that caused it.
    ///
    /// # Errors
    /// The text of the failure.
    pub fn judge(self) -> Judged {
        match self.0 {
            Ok(value) => Returned(value).succeeded(),
            Err(error) => Err(format!("returned an error: {}", lines(&*error.into()))),
        }
    }
}

/// Judges what has no error to tell.
pub trait Judge {
    /// Passed if a program that returned this would exit with 0.
    ///
    /// # Errors
    /// The text of the failure.
    fn judge(self) -> Judged;
}

impl<T: Termination> Judge for Returned<T> {
    fn judge(self) -> Judged {
        self.succeeded()
    }
}

impl<T: Termination> Returned<T> {
    fn succeeded(self) -> Judged {
        let code = self.0.report();
        if code == ExitCode::SUCCESS { Ok(()) } else { Err(format!("returned {code:?} instead of success")) }
    }
}

/// What is worth knowing about a failure that reads like this.
pub(super) fn hint(reason: &str) -> Option<&'static str> {
    // The words of tower and hyper for a connection whose driver is gone, and tower's error as a panic shows it.
    const OUTLIVED: [&str; 4] = [
        "buffer's worker closed unexpectedly",
        "Service(Closed)",
        "dispatch task is gone",
        "runtime dropped the dispatch task",
    ];
    OUTLIVED.iter().any(|words| reason.contains(words)).then_some(
        "the likely cause: the client was made in a Tokio runtime that has ended. Each `#[kind_test]` has a runtime of its own, \
         so a client that one test keeps for others, as in a `static`, works in none of them; let each test take a \
         `kube::Client` as a parameter",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_that_outlived_its_runtime_is_explained() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
        let client = {
            let _entered = runtime.enter();
            kube::Client::try_from(config).unwrap()
        };
        runtime.shutdown_background();
        let error = client.apiserver_version().await.unwrap_err();
        assert!(hint(&format!("{error:?}")).is_some(), "{error:?}");
        let text = Returned(Err::<(), _>(error)).judge().unwrap_err();
        assert!(hint(&text).is_some(), "{text}");
        assert_eq!(hint("the test returned an error: pods \"x\" not found"), None);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("read the answer")]
    struct Outer(#[source] std::num::ParseIntError);

    #[derive(Debug)]
    struct OnlyDebug;

    fn number(text: &str) -> Result<(), Outer> {
        text.parse::<u8>().map(|_| ()).map_err(Outer)
    }

    #[test]
    fn any_termination_is_judged() {
        assert_eq!(Returned(()).judge(), Ok(()));
        assert_eq!(Returned(ExitCode::SUCCESS).judge(), Ok(()));
        assert_eq!(Returned(Ok::<ExitCode, OnlyDebug>(ExitCode::SUCCESS)).judge(), Ok(()));
        assert!(Returned(ExitCode::FAILURE).judge().unwrap_err().contains("instead of success"));
        assert!(Returned(Err::<(), _>(OnlyDebug)).judge().is_err());
        assert!(Returned(Ok::<_, Outer>(ExitCode::FAILURE)).judge().is_err());
    }

    #[test]
    fn an_error_is_told_with_what_caused_it() {
        assert_eq!(Returned(number("1")).judge(), Ok(()));
        let text = Returned(number("x")).judge().unwrap_err();
        assert_eq!(text, "returned an error: read the answer\n  caused by: invalid digit found in string");
        let text = Returned(Err::<(), _>(anyhow::Error::new(Outer("".parse::<u8>().unwrap_err())).context("deploy")))
            .judge()
            .unwrap_err();
        assert_eq!(text.matches("caused by").count(), 2, "{text}");
        assert!(Returned(Err::<(), _>("plain text")).judge().unwrap_err().ends_with("plain text"));
    }
}
