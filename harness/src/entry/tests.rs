//! Whole tests on a scripted cluster: what is made, what is kept, what is told.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::Method;
use kind_core::{
    access::Access,
    activity::{self, Activity},
    cluster::Cluster,
    fake_api::{Answer, FakeApi, record},
    settings::{Keep, Settings},
    wait::{self, Check},
};
use kind_lease::{LastWord, Outcome};
use kind_report::Recorder;
use kube::Client;
use serde_json::json;

use super::{
    Ended, FixtureError, FromTest, Judged, Request, TestContext, TestMeta, TestNamespace,
    case::Case,
    host::{Held, Host, Refusal},
    interrupt::{Cause, Running},
    name::TestName,
    request::Wanted,
    stage::Stage,
};
use crate::diagnose::Look;

mod fixtures;

const META: TestMeta = TestMeta { package: "shop", manifest_dir: "/nowhere", module: "e2e", name: "orders" };

/// A cluster that is always there, or never.
#[derive(Clone, Default)]
struct FakeHost {
    api: FakeApi,
    refusal: Option<&'static str>,
    /// The API refuses calls that begin with this.
    refused: Option<&'static str>,
    released: Arc<Mutex<Vec<Outcome>>>,
    /// The namespaces that were announced.
    noted: Arc<Mutex<Vec<String>>>,
}

struct FakeHeld(FakeHost);

impl Host for FakeHost {
    type Held = FakeHeld;

    async fn acquire(&self, _: &Wanted, _: Access, _: &str) -> Result<FakeHeld, Refusal> {
        match self.refusal {
            None => Ok(FakeHeld(self.clone())),
            Some(reason) => Err(Refusal::NoEngine(reason.to_owned())),
        }
    }
}

impl Held for FakeHeld {
    fn cluster(&self) -> Cluster {
        Cluster::attach(record(), kind_engine::EngineChoice::default())
    }

    fn client(&self, _: kube::Config, activity: &Arc<Activity>) -> Result<Client, kube::Error> {
        let refused = self.0.refused;
        Ok(self.0.api.recorded(activity, move |method, path, body| match refused {
            Some(refused) if format!("{method} {path}").starts_with(refused) => Answer::refused(403, "not you"),
            _ if method == Method::GET => Answer::no_items(),
            _ if method == Method::DELETE => Answer::ok(json!({ "kind": "Status", "status": "Success" })),
            _ => Answer::Json(201, body),
        }))
    }

    fn uses(&self, namespace: &str) {
        self.0.noted.lock().unwrap().push(namespace.to_owned());
    }

    fn last_word(&self) -> Option<LastWord> {
        None
    }

    fn look(&self) -> Look {
        Look::InNode
    }

    async fn release(self, outcome: Outcome) {
        self.0.released.lock().unwrap().push(outcome);
    }
}

/// What the expansion does, for as many parameters as the tests here have.
trait Parameters: Sized {
    async fn get(context: &TestContext) -> Result<Self, FixtureError>;
}

impl Parameters for () {
    async fn get(_: &TestContext) -> Result<Self, FixtureError> {
        Ok(())
    }
}

impl<A: FromTest> Parameters for (A,) {
    async fn get(context: &TestContext) -> Result<Self, FixtureError> {
        Ok((context.get().await?,))
    }
}

impl<A: FromTest, B: FromTest, C: FromTest> Parameters for (A, B, C) {
    async fn get(context: &TestContext) -> Result<Self, FixtureError> {
        Ok((context.get().await?, context.get().await?, context.get().await?))
    }
}

/// Runs a test and returns how it ended.
fn perform<P, F, Fut>(host: &FakeHost, request: Request, change: impl Fn(&mut Settings), test: F) -> Ended
where
    P: Parameters,
    F: FnOnce(P) -> Fut,
    Fut: Future<Output = Judged>,
{
    let (_sender, running) = Running::scripted();
    perform_until(running, host, request, change, test)
}

/// As [`perform`], with signals.
fn perform_until<P, F, Fut>(
    running: Running,
    host: &FakeHost,
    request: Request,
    change: impl Fn(&mut Settings),
    test: F,
) -> Ended
where
    P: Parameters,
    F: FnOnce(P) -> Fut,
    Fut: Future<Output = Judged>,
{
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::from_environment().unwrap();
    settings.artifacts = folder.path().to_owned();
    settings.keep = Keep::OnFailure;
    settings.require = false;
    settings.timeout = None;
    change(&mut settings);
    let name = TestName::new(&META, Some("orders"), 1);
    let activity = Arc::new(Activity::default());
    let _entered = activity::enter(&activity);
    let runtime = request.runtime.build(&activity).unwrap();
    let case = Arc::new(Case::new(name, activity, &settings));
    let recorder = &Recorder::default();
    let stage = Stage { host: host.clone(), settings: &settings, meta: META, request, case, running, recorder };
    runtime.block_on(stage.perform(|context| async move {
        let parameters = P::get(&context).await?;
        Ok(async move { test(parameters).await })
    }))
}

fn text(ended: &Ended) -> String {
    match ended {
        Ended::Failed(text) => text.clone(),
        other => panic!("expected a failure, found: {}", other.reason()),
    }
}

fn kinds(host: &FakeHost) -> Vec<String> {
    host.api.calls().iter().map(|call| call.split(['-', '?']).next().unwrap_or_default().to_owned()).collect()
}

const NOTHING: fn(&mut Settings) = |_| {};

#[test]
fn a_passed_test_leaves_no_namespace() {
    let host = FakeHost::default();
    let calls = || host.api.calls();
    let ended = perform(
        &host,
        Request::DEFAULT,
        NOTHING,
        |(namespace, config, context): (TestNamespace, kube::Config, TestContext)| async move {
            assert_eq!(config.default_namespace, namespace.name());
            assert_eq!(context.namespace(), Some(&namespace));
            assert_eq!(context.test_name(), "e2e::orders");
            assert!(Path::new(context.artifacts().unwrap()).ends_with("shop.e2e.orders"));
            // What pods need is added beside the body.
            let account = format!("POST /api/v1/namespaces/{namespace}/serviceaccounts");
            let added = wait::until("the service account", Duration::from_secs(10), async || {
                if calls().contains(&account) { Check::Done(()) } else { Check::NotYet(calls().join(", ")) }
            });
            added.await.map_err(|error| error.to_string())
        },
    );
    assert!(matches!(ended, Ended::Passed));
    let expected = [
        "POST /api/v1/namespaces",
        "POST /api/v1/namespaces/orders",
        "DELETE /api/v1/namespaces/orders",
        // Which of earlier tests do not go.
        "GET /api/v1/namespaces",
    ];
    assert_eq!(kinds(&host), expected);
    let noted = host.noted.lock().unwrap().clone();
    assert!(matches!(&noted[..], [namespace] if namespace.starts_with("orders-")), "{noted:?}");
    assert_eq!(*host.released.lock().unwrap(), [Outcome::Passed]);
}

#[test]
fn a_failed_test_keeps_its_namespace_and_leaves_a_bundle() {
    let host = FakeHost::default();
    let folder = tempfile::tempdir().unwrap();
    let ended = perform(
        &host,
        Request::DEFAULT,
        |settings| settings.artifacts = folder.path().to_owned(),
        |(_,): (Client,)| async { Err("returned no order".to_owned()) },
    );
    assert_eq!(text(&ended), "the test returned no order");
    assert!(!kinds(&host).iter().any(|call| call.starts_with("DELETE")), "{:?}", kinds(&host));
    assert_eq!(*host.released.lock().unwrap(), [Outcome::Failed]);
    let summary = std::fs::read_to_string(folder.path().join("shop.e2e.orders/summary.txt")).unwrap();
    assert!(summary.starts_with("the test returned no order\n"), "{summary}");
}

#[test]
fn nothing_is_kept_when_nothing_is_to_be() {
    let host = FakeHost::default();
    let never = |settings: &mut Settings| settings.keep = Keep::Never;
    perform(&host, Request::DEFAULT, never, |(): ()| async { Err("x".to_owned()) });
    assert!(kinds(&host).contains(&"DELETE /api/v1/namespaces/orders".to_owned()));
}

#[test]
fn a_panic_is_carried_out_after_the_clean_up() {
    let host = FakeHost::default();
    let ended = perform(&host, Request::DEFAULT, NOTHING, |(): ()| async { panic!("boom {}", 1) });
    assert_eq!(ended.reason(), "panicked: boom 1");
    assert_eq!(*host.released.lock().unwrap(), [Outcome::Failed]);
}

#[test]
fn an_expected_panic_is_a_success() {
    let host = FakeHost::default();
    let request = Request { should_panic: Some("boom"), ..Request::DEFAULT };
    let ended = perform(&host, request, NOTHING, |(): ()| async { panic!("boom") });
    assert!(matches!(ended, Ended::Panicked(_)));
    assert_eq!(*host.released.lock().unwrap(), [Outcome::Passed]);
}

#[test]
fn running_out_of_time_says_for_how_long_and_what_was_done() {
    let request = Request { timeout: Some(Duration::from_millis(50)), ..Request::DEFAULT };
    let ended = perform(&FakeHost::default(), request, NOTHING, |(): ()| std::future::pending());
    let text = text(&ended);
    assert!(text.starts_with("e2e::orders did not end within 0.05 s, the limit that its `timeout` sets; "), "{text}");
    assert!(text.contains("waited for a cluster 0.0") && text.contains("ran the body 0.0"), "{text}");

    let setting = |settings: &mut Settings| settings.timeout = Some(Duration::from_millis(10));
    let ended = perform(&FakeHost::default(), Request::DEFAULT, setting, |(): ()| std::future::pending());
    assert!(self::text(&ended).contains("KIND_TEST_TIMEOUT"));
}

#[test]
fn without_an_engine_a_test_is_skipped_unless_it_is_required() {
    let host = FakeHost { refusal: Some("nothing answers at /x"), ..FakeHost::default() };
    let ended = perform(&host, Request::DEFAULT, NOTHING, |(): ()| async { panic!("it must not run") });
    assert!(matches!(ended, Ended::Skipped(reason) if reason == "nothing answers at /x"));
    let required = |settings: &mut Settings| settings.require = true;
    let ended = perform(&host, Request::DEFAULT, required, |(): ()| async { Ok(()) });
    assert!(text(&ended).contains("nothing answers at /x; KIND_TEST_REQUIRE, or CI, makes that a failure"));
}

#[test]
fn a_reading_test_changes_nothing() {
    let host = FakeHost::default();
    let request = Request { access: Access::Read, ..Request::DEFAULT };
    let ended = perform(&host, request, NOTHING, |(context,): (TestContext,)| async move {
        assert_eq!(context.namespace(), None);
        Ok(())
    });
    assert!(matches!(ended, Ended::Passed));
    assert!(host.api.calls().is_empty());
    let ended = perform(&host, request, NOTHING, |(_,): (TestNamespace,)| async { panic!("it must not run") });
    assert!(text(&ended).contains("`access = \"read\"` has none"));
}

#[test]
fn a_refused_namespace_is_told_with_its_reason() {
    let host = FakeHost { refused: Some("POST /api/v1/namespaces"), ..FakeHost::default() };
    let ended = perform(&host, Request::DEFAULT, NOTHING, |(): ()| async { Ok(()) });
    let text = text(&ended);
    assert!(text.starts_with("e2e::orders: failed to create the test's namespace in cluster kt-1\n"), "{text}");
    assert!(text.contains("not you"), "{text}");
    assert_eq!(*host.released.lock().unwrap(), [Outcome::Failed]);
}

#[test]
fn a_failed_clean_up_does_not_fail_the_test() {
    let host = FakeHost { refused: Some("DELETE"), ..FakeHost::default() };
    let ended = perform(&host, Request::DEFAULT, NOTHING, |(): ()| async { Ok(()) });
    assert!(matches!(ended, Ended::Passed));
    assert_eq!(*host.released.lock().unwrap(), [Outcome::Passed]);
}

#[test]
fn a_missing_configuration_file_is_found_before_a_cluster_is_asked_for() {
    let host = FakeHost { refusal: Some("not asked"), ..FakeHost::default() };
    let request = Request { config: Some("tests/no.yaml"), ..Request::DEFAULT };
    let ended = perform(&host, request, NOTHING, |(): ()| async { Ok(()) });
    let text = text(&ended);
    assert!(text.contains("config = \"tests/no.yaml\"") && text.contains("/nowhere/tests/no.yaml"), "{text}");
}

#[test]
fn a_signal_ends_a_test_that_waits_for_anything() {
    for (name, running) in [("SIGTERM", Cause::Terminate), ("SIGINT", Cause::Interrupt)].map(|(name, cause)| {
        let (sender, running) = Running::scripted();
        sender.send_replace(Some(cause));
        (name, running)
    }) {
        let host = FakeHost::default();
        let ended = perform_until(running, &host, Request::DEFAULT, NOTHING, |(): ()| async { panic!("too late") });
        assert!(text(&ended).starts_with(&format!("e2e::orders was ended by {name}, ")), "{}", ended.reason());
        assert!(host.api.calls().is_empty(), "nothing is begun any more");
    }
}

#[test]
fn a_signal_in_the_body_leaves_a_bundle_and_gives_the_cluster_back() {
    let (sender, running) = Running::scripted();
    let host = FakeHost::default();
    let folder = tempfile::tempdir().unwrap();
    let artifacts = |settings: &mut Settings| settings.artifacts = folder.path().to_owned();
    let ended = perform_until(running, &host, Request::DEFAULT, artifacts, |(): ()| async move {
        sender.send_replace(Some(Cause::Terminate));
        let (_sender, receiver) = tokio::sync::oneshot::channel::<()>();
        receiver.await.map_err(|error| error.to_string())
    });
    assert!(text(&ended).contains("was ended by SIGTERM"), "{}", ended.reason());
    assert_eq!(*host.released.lock().unwrap(), [Outcome::Failed]);
    assert!(folder.path().join("shop.e2e.orders/objects/pods.yaml").is_file());
}

#[test]
fn a_body_that_ends_in_its_last_moment_has_ended() {
    let (sender, running) = Running::scripted();
    let ended = perform_until(running, &FakeHost::default(), Request::DEFAULT, NOTHING, |(): ()| {
        let mut polls = 0;
        std::future::poll_fn(move |_| {
            polls += 1;
            sender.send_replace(Some(Cause::Terminate));
            if polls == 1 { std::task::Poll::Pending } else { std::task::Poll::Ready(Ok(())) }
        })
    });
    assert!(matches!(ended, Ended::Passed), "{}", ended.reason());
}

#[test]
fn an_old_bundle_goes_when_the_test_passes() {
    let folder = tempfile::tempdir().unwrap();
    let artifacts = |settings: &mut Settings| settings.artifacts = folder.path().to_owned();
    perform(&FakeHost::default(), Request::DEFAULT, artifacts, |(): ()| async { Err("x".to_owned()) });
    let further = folder.path().join("shop.e2e.orders.attempt-2");
    std::fs::create_dir(&further).unwrap();
    assert!(folder.path().join("shop.e2e.orders").is_dir());
    perform(&FakeHost::default(), Request::DEFAULT, artifacts, |(): ()| async { Ok(()) });
    assert!(!folder.path().join("shop.e2e.orders").exists() && !further.exists());
}
