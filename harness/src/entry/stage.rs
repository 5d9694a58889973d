//! One test from the request to the verdict: arrange, run the body, look at what is left, clean up.

use std::{
    any::Any,
    convert::Infallible,
    panic::AssertUnwindSafe,
    path::PathBuf,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use futures::FutureExt as _;
use kind_core::{
    access::Access,
    activity::{self, Doing, Looked},
    causes::lines,
    redact::redacted,
    settings::{Keep, Settings},
};
use kind_lease::Outcome;
use kind_report::Recorder;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    case::Case,
    context::{Arranged, TestContext},
    error::EntryError,
    from_test::FixtureError,
    host::{Held, Host, Refusal},
    interrupt::{Running, say},
    judge::Judged,
    namespace::{self, API_LIMIT, TestNamespace},
    request::{Request, TestMeta},
    timeline::seconds,
    verdict::{Ended, announce_skip, panicked},
};
use crate::diagnose;

/// How long a body may take where nobody says.
const DEFAULT_LIMIT: Duration = Duration::from_secs(5 * 60);
/// How long all looking may take, and each call, when a signal has ended the test: it is followed by a SIGKILL.
const HURRIED: Duration = Duration::from_secs(5);
pub(super) const HURRIED_API_LIMIT: Duration = Duration::from_secs(2);
/// How long after its limit a body that does not notice it goes on, before the process is ended.
const OVERDUE: Duration = Duration::from_secs(5);
/// How long all of the test's fixtures may take to be taken down.
const TEARDOWN: Duration = Duration::from_secs(60);
/// How long the look may take at earlier tests' namespaces.
const HELD: Duration = Duration::from_secs(5);
/// How long the look may take at where a body hangs.
const LOOK: Duration = Duration::from_secs(10);

/// Everything that is known before a cluster is asked for.
pub(super) struct Stage<'a, H> {
    pub(super) host: H,
    pub(super) settings: &'a Settings,
    pub(super) meta: TestMeta,
    pub(super) request: Request,
    pub(super) case: Arc<Case>,
    pub(super) running: Running,
    pub(super) recorder: &'a Recorder,
}

/// How a body ended, or that it did not.
type Caught = Result<Result<Judged, FixtureError>, Box<dyn Any + Send>>;

impl<H: Host> Stage<'_, H> {
    /// Carries out the test: what it takes is made first, and gives the body.
    pub(super) async fn perform<F, Make, Body>(&self, test: F) -> Ended
    where
        F: FnOnce(TestContext) -> Make,
        Make: Future<Output = Result<Body, FixtureError>>,
        Body: Future<Output = Judged>,
    {
        let held = tokio::select! {
            biased;
            cause = self.running.cause() => return Ended::Failed(self.case.with_doing(self.case.ended_by(&cause))),
            held = self.acquire() => match held {
                Ok(held) => held,
                Err(ended) => return ended,
            },
        };
        let arranged = match self.arrange(&held).await {
            Ok(arranged) => arranged,
            Err(error) => {
                held.release(Outcome::Failed).await;
                return self.failed(&error);
            }
        };
        self.case.arranged(&arranged, held.look(), held.last_word());
        let make = test(TestContext::new(&arranged));
        let body = async {
            self.case.timeline.begin("made what it takes");
            let body = make.await?;
            self.case.timeline.begin("ran the body");
            Ok(body.await)
        };
        let (ended, doing) = self.carry_out(&arranged, body).await;
        self.running.gets_on();
        let ended = self.finish(&arranged, ended, &doing).await;
        let success = ended.is_success(self.request.should_panic);
        self.clean_up(&arranged, success).await;
        held.release(if success { Outcome::Passed } else { Outcome::Failed }).await;
        ended
    }

    /// Looks at what a failed test left, and takes the fixtures down, which may make it one.
    async fn finish(&self, arranged: &Arranged, ended: Ended, doing: &Doing) -> Ended {
        if !ended.is_success(self.request.should_panic) {
            self.record(&ended);
            self.diagnose(arranged, &ended, doing).await;
            if let Some(reason) = self.take_down(arranged).await {
                say(&redacted(&reason));
            }
            return ended;
        }
        let Some(reason) = self.take_down(arranged).await else {
            self.record(&ended);
            return ended;
        };
        let failed = Ended::Failed(reason);
        self.record(&failed);
        self.diagnose(arranged, &failed, &Doing::default()).await;
        failed
    }

    /// Notes how the test ended in the run's records.
    fn record(&self, ended: &Ended) {
        let (outcome, reason) = ended.outcome(self.request.should_panic);
        self.recorder.judged(outcome, reason.as_deref());
    }

    /// Gets the cluster, or says how the test ends without one.
    async fn acquire(&self) -> Result<H::Held, Ended> {
        let wanted = self.request.wanted(&self.meta, self.limit().0);
        let spec = wanted.as_ref().ok().map(|wanted| &wanted.spec);
        self.recorder.began(&self.case.name.subject(self.request.access, spec));
        let wanted = wanted.map_err(|error| self.failed(&error))?;
        self.case.timeline.begin("waited for a cluster");
        match self.host.acquire(&wanted, self.request.access, self.case.name.as_str()).await {
            Ok(held) => {
                self.recorder.attached(held.cluster().record());
                Ok(held)
            }
            Err(Refusal::NoEngine(reason)) if self.settings.require => {
                Err(self.failed(&EntryError::Required { reason }))
            }
            Err(Refusal::NoEngine(reason) | Refusal::Unfit(reason)) => Err(self.skipped(reason)),
            Err(Refusal::Failed(error)) => Err(self.failed(&EntryError::Cluster(error))),
        }
    }

    /// Makes the client. The API is not asked for anything.
    async fn arrange(&self, held: &H::Held) -> Result<Arranged, EntryError> {
        let cluster = held.cluster();
        self.case.timeline.begin("made a client");
        let mut config = cluster.client_config().await.map_err(EntryError::Kubeconfig)?;
        let namespace = self.request.has_namespace().then(|| TestNamespace::new(&self.case.name));
        if let Some(namespace) = &namespace {
            held.uses(namespace);
            config.default_namespace = namespace.to_string();
        }
        let client = held.client(config.clone(), &self.case.activity);
        let client = client.map_err(|source| EntryError::Client { cluster: cluster.name().to_owned(), source })?;
        let artifacts = self.empty_folder();
        let cluster = cluster.with_file_in(&artifacts, namespace.as_deref());
        let (test, fixtures) = (self.case.name.as_str().to_owned(), Arc::default());
        let activity = Arc::clone(&self.case.activity);
        let is_shared = self.request.access == Access::Shared;
        Ok(Arranged { test, cluster, config, client, namespace, is_shared, artifacts, fixtures, activity })
    }

    async fn make_namespace(&self, arranged: &Arranged) -> Result<(), EntryError> {
        let Some(namespace) = &arranged.namespace else { return Ok(()) };
        let cluster = arranged.cluster.name();
        self.case.timeline.begin("made a namespace");
        namespace::create(&arranged.client, namespace, &self.case.name)
            .await
            .map_err(|error| EntryError::namespace(cluster, error))?
            .map_err(|source| EntryError::NoAnswer { cluster: cluster.to_owned(), source })
    }

    /// Sees to the namespace beside the body, for as long as that takes.
    async fn furnish(&self, arranged: &Arranged) -> Infallible {
        if let Some(namespace) = &arranged.namespace {
            namespace::furnish(&arranged.client, namespace).await;
        }
        std::future::pending().await
    }

    /// The folder for what the test leaves, without what an earlier run left.
    fn empty_folder(&self) -> PathBuf {
        let folder = self.settings.artifacts.join(self.case.name.folder());
        let outdated = self.case.name.outdated_folders().map(|name| self.settings.artifacts.join(name));
        for folder in outdated.take_while(|folder| folder.exists()).chain([folder.clone()]) {
            // Most often there is none, and where it stays, the new bundle overwrites the old.
            let _ = std::fs::remove_dir_all(&folder);
        }
        folder
    }

    /// Makes the namespace and runs the body, and says what it was doing where it did not end by itself.
    async fn carry_out(
        &self,
        arranged: &Arranged,
        body: impl Future<Output = Result<Judged, FixtureError>>,
    ) -> (Ended, Doing) {
        let made = tokio::select! {
            biased;
            made = self.make_namespace(arranged) => made,
            cause = self.running.cause() => {
                return (Ended::Failed(self.case.ended_by(&cause)), self.case.activity.doing());
            }
        };
        match made {
            Ok(()) => {
                self.recorder.running(arranged.namespace.as_deref());
                let body = pin!(AssertUnwindSafe(body).catch_unwind());
                tokio::select! {
                    biased;
                    ended = self.body(body) => ended,
                    never = self.furnish(arranged) => match never {},
                }
            }
            Err(error) => (self.failed(&error), Doing::default()),
        }
    }

    /// Runs the body under its limit.
    async fn body(&self, mut body: Pin<&mut impl Future<Output = Caught>>) -> (Ended, Doing) {
        let (limit, from) = self.limit();
        self.case.limited(limit, from);
        self.running.is_due_in(limit.saturating_add(OVERDUE));
        let reason = tokio::select! {
            biased;
            ended = timeout(limit, body.as_mut()) => match ended {
                Ok(caught) => return (self.ended_by_itself(caught), Doing::default()),
                Err(_) => self.case.ran_out(),
            },
            cause = self.running.cause() => self.case.ended_by(&cause),
        };
        let doing = self.case.activity.doing();
        self.running.is_due_in(LOOK);
        match AssertUnwindSafe(activity::look(body)).catch_unwind().await {
            Ok(Looked::Ended(caught)) => (self.ended_by_itself(caught), Doing::default()),
            Ok(Looked::Hangs(awaits)) => (Ended::Failed(reason), Doing { awaits, ..doing }),
            Err(_) => (Ended::Failed(reason), doing),
        }
    }

    fn limit(&self) -> (Duration, &'static str) {
        match (self.settings.timeout, self.request.timeout) {
            (Some(limit), _) => (limit, "KIND_TEST_TIMEOUT"),
            (None, Some(limit)) => (limit, "its `timeout`"),
            (None, None) => (DEFAULT_LIMIT, "the harness (`timeout = \"10m\"` sets another)"),
        }
    }

    fn failed(&self, error: &EntryError) -> Ended {
        Ended::Failed(format!("{}: failed to {}", self.case.name.as_str(), lines(error)))
    }

    fn skipped(&self, reason: String) -> Ended {
        announce_skip(&self.case.name, &reason);
        Ended::Skipped(reason)
    }

    fn ended_by_itself(&self, caught: Caught) -> Ended {
        match caught {
            Ok(Ok(Ok(()))) => Ended::Passed,
            Ok(Ok(Err(reason))) => Ended::Failed(format!("the test {reason}")),
            Ok(Err(error)) => match error.reason() {
                Some(reason @ EntryError::NodesOutOfReach { .. }) => self.skipped(reason.to_string()),
                Some(reason) => self.failed(reason),
                None => Ended::Failed(format!("{}: failed to {}", self.case.name.as_str(), lines(&error))),
            },
            Err(payload) => Ended::Panicked(payload),
        }
    }

    /// Tells what the test left behind. Whatever goes wrong here does not change how it ended.
    async fn diagnose(&self, arranged: &Arranged, ended: &Ended, doing: &Doing) {
        let (reason, timeline) = (ended.reason(), self.case.timeline.to_string());
        let Some(failed) = self.case.failed(&reason, &timeline, doing) else { return };
        let limit = if self.running.came().is_some() { HURRIED } else { diagnose::LIMIT };
        let look = pin!(AssertUnwindSafe(diagnose::failure(&arranged.client, &failed, limit)).catch_unwind());
        let told = self.unless_hurried(look).await;
        let told = told.unwrap_or_else(|| Ok(diagnose::unseen(&failed, "the test was ended")));
        let told = told.unwrap_or_else(|_| "the diagnosis itself panicked".to_owned());
        if self.running.came().is_some() { say(&told) } else { eprintln!("{told}") }
    }

    /// What comes of it, or nothing if a signal comes meanwhile and it takes too long after that.
    async fn unless_hurried<F: Future>(&self, mut future: Pin<&mut F>) -> Option<F::Output> {
        let hurried = self.running.came().is_some();
        tokio::select! {
            biased;
            output = future.as_mut() => Some(output),
            _ = self.running.cause(), if !hurried => timeout(HURRIED, future).await.ok(),
        }
    }

    /// Takes the fixtures down, the last first, and says what failed.
    async fn take_down(&self, arranged: &Arranged) -> Option<String> {
        let limit = if self.running.came().is_some() { HURRIED } else { TEARDOWN };
        let end = Instant::now() + limit;
        let mut failed = Vec::new();
        while let Some((what, teardown)) = arranged.fixtures.next_teardown() {
            let teardown = pin!(timeout_at(end, AssertUnwindSafe(teardown).catch_unwind()));
            let reason = match self.unless_hurried(teardown).await {
                Some(Ok(Ok(Ok(())))) => continue,
                Some(Ok(Ok(Err(error)))) => lines(&*error),
                Some(Ok(Err(payload))) => panicked(&*payload),
                Some(Err(_)) => format!("all of it may take {}", seconds(limit)),
                None => "the test was ended".to_owned(),
            };
            failed.push(format!("{}: failed to take down {what}: {reason}", self.case.name.as_str()));
        }
        arranged.fixtures.forget();
        (!failed.is_empty()).then(|| failed.join("\n"))
    }

    /// Removes the kubeconfig's file, and the namespace unless somebody may want to look at it.
    async fn clean_up(&self, arranged: &Arranged, success: bool) {
        arranged.cluster.remove_file();
        let Some(namespace) = &arranged.namespace else { return };
        if self.request.access == Access::Fresh {
            // It goes with its cluster, or is there for a look as the cluster is.
            return;
        }
        let keep = match self.settings.keep {
            Keep::Never => false,
            Keep::OnFailure => !success,
            Keep::Always => true,
        };
        if keep {
            return;
        }
        let limit = if self.running.came().is_some() { HURRIED_API_LIMIT } else { API_LIMIT };
        namespace::tidy_up(&arranged.client, namespace, limit).await;
        if self.running.came().is_none() {
            // Where it is not known, nothing is told.
            let _ = timeout(HELD, namespace::tell_of_held(&arranged.client)).await;
        }
    }
}
