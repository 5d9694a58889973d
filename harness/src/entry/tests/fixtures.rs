//! Fixtures of users: made once, told by name where they fail, and taken down whatever happens.

use std::sync::{Mutex, PoisonError};

use super::*;

/// What happened, in order.
struct Log(Mutex<Vec<&'static str>>);

impl Log {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn add(&self, what: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn all(&self) -> Vec<&'static str> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn failure(body: impl Into<String>) -> Judged {
    Err(body.into())
}

#[test]
fn they_are_made_once_and_taken_down_in_reverse_after_a_failure() {
    static LOG: Log = Log::new();

    #[derive(Clone)]
    struct Database(TestNamespace);

    impl FromTest for Database {
        type Error = FixtureError;

        async fn from_test(test: &TestContext) -> Result<Self, FixtureError> {
            LOG.add("make the database");
            let namespace = test.get().await?;
            test.on_end("the database", async || {
                LOG.add("take down the database");
                Ok::<_, String>(())
            });
            Ok(Self(namespace))
        }
    }

    /// Holds the context, which holds it.
    #[derive(Clone)]
    struct Operator(Database, TestContext);

    impl FromTest for Operator {
        type Error = FixtureError;

        async fn from_test(test: &TestContext) -> Result<Self, FixtureError> {
            let database = test.get().await?;
            LOG.add("make the operator");
            test.on_end("the operator", async || {
                LOG.add("take down the operator");
                Ok::<_, String>(())
            });
            Ok(Self(database, test.get().await?))
        }
    }

    let host = FakeHost::default();
    let noted = host.noted.clone();
    let made = Arc::new(Mutex::new(std::sync::Weak::new()));
    let fixtures = made.clone();
    let ended = perform(
        &host,
        Request::DEFAULT,
        NOTHING,
        |(operator, database, context): (Operator, Database, TestContext)| async move {
            LOG.add("run the body");
            assert_eq!([operator.0.0.name(), database.0.name()], [noted.lock().unwrap()[0].as_str(); 2]);
            let (again, beside) = tokio::join!(context.get::<Operator>(), operator.1.get::<Operator>());
            again.and(beside).map_err(|error| error.to_string())?;
            *fixtures.lock().unwrap() = context.fixtures();
            failure("returned no order")
        },
    );
    assert_eq!(text(&ended), "the test returned no order");
    let expected =
        ["make the database", "make the operator", "run the body", "take down the operator", "take down the database"];
    assert_eq!(LOG.all(), expected);
    assert!(made.lock().unwrap().upgrade().is_none(), "nothing holds the test's fixtures any more");
    let last = kinds(&host).pop();
    assert!(!last.is_some_and(|call| call.starts_with("DELETE")), "a failed test keeps its namespace");
}

#[test]
fn one_that_fails_names_itself_and_takes_down_what_others_made() {
    static LOG: Log = Log::new();

    #[derive(Clone)]
    struct Volume;

    impl FromTest for Volume {
        type Error = String;

        async fn from_test(test: &TestContext) -> Result<Self, String> {
            test.on_end("the volume", async || {
                LOG.add("take down the volume");
                Ok::<_, String>(())
            });
            Err("no space left".to_owned())
        }
    }

    #[derive(Clone)]
    struct Broker;

    impl FromTest for Broker {
        type Error = anyhow::Error;

        async fn from_test(test: &TestContext) -> anyhow::Result<Self> {
            use anyhow::Context as _;
            test.get::<Volume>().await.context("start the broker")?;
            Ok(Self)
        }
    }

    let host = FakeHost::default();
    let ended = perform(&host, Request::DEFAULT, NOTHING, |(_,): (Broker,)| async { panic!("it must not run") });
    let text = text(&ended);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("e2e::orders: failed to make `") && lines[0].contains("::Broker` for the test"),
        "{text}"
    );
    assert!(lines[1].ends_with("start the broker"), "{text}");
    assert!(lines[2].contains("::Volume` for the test") && lines[3].ends_with("no space left"), "{text}");
    assert_eq!(LOG.all(), ["take down the volume"]);
    assert_eq!(*host.released.lock().unwrap(), [Outcome::Failed]);
}

#[test]
fn one_that_needs_itself_is_refused() {
    #[derive(Clone)]
    struct Egg;

    #[derive(Clone)]
    struct Hen;

    impl FromTest for Egg {
        type Error = FixtureError;

        async fn from_test(test: &TestContext) -> Result<Self, FixtureError> {
            test.get::<Hen>().await.map(|_| Self)
        }
    }

    impl FromTest for Hen {
        type Error = FixtureError;

        async fn from_test(test: &TestContext) -> Result<Self, FixtureError> {
            test.get::<Egg>().await.map(|_| Self)
        }
    }

    let ended = perform(&FakeHost::default(), Request::DEFAULT, NOTHING, |(_,): (Hen,)| async { Ok(()) });
    let text = text(&ended);
    let last = text.lines().last().unwrap();
    assert!(last.contains("it needs itself (") && last.matches(" → ").count() == 2, "{text}");
}

/// A teardown that goes wrong in this way.
fn with_teardown(
    body: Judged,
    teardown: impl AsyncFnOnce() -> Result<(), String> + Send + 'static,
) -> (Ended, FakeHost) {
    let host = FakeHost::default();
    let ended = perform(&host, Request::DEFAULT, NOTHING, |(context,): (TestContext,)| async move {
        context.on_end("the queue", teardown);
        body
    });
    (ended, host)
}

#[test]
fn a_failed_teardown_fails_a_test_that_had_passed() {
    let (ended, host) = with_teardown(Ok(()), async || Err("it is not empty".to_owned()));
    assert_eq!(text(&ended), "e2e::orders: failed to take down the queue: it is not empty");
    assert_eq!(*host.released.lock().unwrap(), [Outcome::Failed]);

    let (ended, _) = with_teardown(Ok(()), async || panic!("out of {}", "order"));
    assert_eq!(text(&ended), "e2e::orders: failed to take down the queue: panicked: out of order");

    let (ended, _) = with_teardown(failure("returned no order"), async || Err("it is not empty".to_owned()));
    assert_eq!(text(&ended), "the test returned no order", "what failed first is the failure");
}

#[test]
fn they_are_taken_down_after_a_limit_a_panic_and_a_signal() {
    static LOG: Log = Log::new();
    async fn teardown() -> Result<(), String> {
        LOG.add("taken down");
        Ok(())
    }

    let request = Request { timeout: Some(Duration::from_millis(50)), ..Request::DEFAULT };
    let host = FakeHost::default();
    let ended = perform(&host, request, NOTHING, |(context,): (TestContext,)| {
        context.on_end("it", teardown);
        std::future::pending()
    });
    assert!(text(&ended).contains("did not end within"));
    let ended = perform(&host, Request::DEFAULT, NOTHING, |(context,): (TestContext,)| async move {
        context.on_end("it", teardown);
        panic!("boom")
    });
    assert_eq!(ended.reason(), "panicked: boom");
    let (sender, running) = Running::scripted();
    let ended = perform_until(running, &host, Request::DEFAULT, NOTHING, |(context,): (TestContext,)| {
        context.on_end("it", teardown);
        sender.send_replace(Some(Cause::Terminate));
        std::future::pending()
    });
    assert!(text(&ended).contains("was ended by SIGTERM"));
    assert_eq!(LOG.all(), ["taken down"; 3]);
}
