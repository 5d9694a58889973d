//! One test from the request to the verdict: arrange, run the body, look at what is left, clean up.

use std::{panic::AssertUnwindSafe, path::PathBuf, time::Duration};

use futures::FutureExt as _;
use tokio::time::timeout;

use crate::{
    diagnose::{self, Failed},
    lease::Outcome,
    settings::{Keep, Settings},
};

use super::{
    context::Arranged,
    error::EntryError,
    host::{Held, Host, Refusal},
    judge::{Judged, chain},
    name::TestName,
    namespace::{self, TestNamespace},
    request::{Request, TestMeta},
    timeline::{Timeline, seconds},
    verdict::{Ended, announce_skip},
};

/// How long a body may take where nobody says.
const DEFAULT_LIMIT: Duration = Duration::from_secs(5 * 60);
/// How long the API has for one call of ours. A control plane that was just killed is left within seconds.
const API_LIMIT: Duration = Duration::from_secs(30);

/// Everything that is known before a cluster is asked for.
pub(super) struct Stage<'a, H> {
    pub(super) host: H,
    pub(super) settings: &'a Settings,
    pub(super) meta: TestMeta,
    pub(super) request: Request,
    pub(super) name: TestName,
    pub(super) timeline: Timeline,
}

impl<H: Host> Stage<'_, H> {
    /// Carries out the test.
    pub(super) async fn perform<F, Fut>(&self, test: F) -> Ended
    where
        F: FnOnce(&Arranged) -> Result<Fut, EntryError>,
        Fut: Future<Output = Judged>,
    {
        let held = match self.acquire().await {
            Ok(held) => held,
            Err(ended) => return ended,
        };
        let arranged = match self.arrange(&held).await {
            Ok(arranged) => arranged,
            Err(error) => {
                held.release(Outcome::Failed).await;
                return self.failed(&error);
            }
        };
        let ended = match test(&arranged) {
            Ok(body) => self.body(body).await,
            Err(error) => self.failed(&error),
        };
        let success = ended.is_success(self.request.should_panic);
        if !success {
            self.diagnose(&arranged, &ended).await;
        }
        self.clean_up(&arranged, success).await;
        held.release(if success { Outcome::Passed } else { Outcome::Failed }).await;
        ended
    }

    /// Gets the cluster, or says how the test ends without one.
    async fn acquire(&self) -> Result<H::Held, Ended> {
        let spec = self.request.spec(&self.meta).map_err(|error| self.failed(&error))?;
        self.timeline.begin("waited for a cluster");
        match self.host.acquire(&spec, self.request.access, self.name.as_str()).await {
            Ok(held) => Ok(held),
            Err(Refusal::NoEngine(reason)) if !self.settings.require => {
                announce_skip(&self.name, &reason);
                Err(Ended::Skipped(reason))
            }
            Err(Refusal::NoEngine(reason)) => Err(self.failed(&EntryError::Required { reason })),
            Err(Refusal::Failed(error)) => Err(self.failed(&EntryError::Cluster(error))),
        }
    }

    /// Makes the client and the namespace.
    async fn arrange(&self, held: &H::Held) -> Result<Arranged, EntryError> {
        let cluster = held.cluster();
        self.timeline.begin("made a client");
        let mut config = cluster.client_config().await.map_err(EntryError::Kubeconfig)?;
        let namespace = self.request.has_namespace().then(|| TestNamespace::new(&self.name));
        if let Some(namespace) = &namespace {
            config.default_namespace = namespace.to_string();
        }
        let client = held.client(config.clone());
        let client = client.map_err(|source| EntryError::Client { cluster: cluster.name().to_owned(), source })?;
        if let Some(namespace) = &namespace {
            self.timeline.begin("made a namespace");
            timeout(API_LIMIT, namespace::create(&client, namespace, &self.name))
                .await
                .map_err(|_| EntryError::NoAnswer { cluster: cluster.name().to_owned(), limit: API_LIMIT })?
                .map_err(|error| EntryError::namespace(cluster.name(), error))?;
        }
        let artifacts = self.empty_folder();
        Ok(Arranged { test: self.name.as_str().to_owned(), cluster, config, client, namespace, artifacts })
    }

    /// The folder for what the test leaves, without what an earlier run left.
    fn empty_folder(&self) -> PathBuf {
        let folder = self.settings.artifacts.join(self.name.folder());
        // Most often there is none, and where it stays, the new bundle overwrites the old.
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    /// Runs the body under its limit.
    async fn body(&self, body: impl Future<Output = Judged>) -> Ended {
        let (limit, from) = self.limit();
        self.timeline.begin("ran the body");
        match timeout(limit, AssertUnwindSafe(body).catch_unwind()).await {
            Ok(Ok(Ok(()))) => Ended::Passed,
            Ok(Ok(Err(reason))) => Ended::Failed(reason),
            Ok(Err(payload)) => Ended::Panicked(payload),
            Err(_) => Ended::Failed(format!(
                "{} did not end within {}, the limit that {from} sets; it {}",
                self.name.as_str(),
                seconds(limit),
                self.timeline,
            )),
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
        Ended::Failed(format!("{}: failed to {}", self.name.as_str(), chain(error)))
    }

    /// Tells what the test left behind. Whatever goes wrong here does not change how it ended.
    async fn diagnose(&self, arranged: &Arranged, ended: &Ended) {
        let failed = Failed {
            test: self.name.as_str(),
            reason: &ended.reason(),
            timeline: &self.timeline.to_string(),
            namespace: arranged.namespace.as_deref(),
            cluster: arranged.cluster.record(),
            keep: self.settings.keep,
            folder: &arranged.artifacts,
        };
        let told = AssertUnwindSafe(diagnose::failure(&arranged.client, &failed)).catch_unwind().await;
        eprintln!("{}", told.unwrap_or_else(|_| "the diagnosis itself panicked".to_owned()));
    }

    /// Deletes the namespace unless somebody may want to look at it.
    async fn clean_up(&self, arranged: &Arranged, success: bool) {
        let Some(namespace) = &arranged.namespace else { return };
        let keep = match self.settings.keep {
            Keep::Never => false,
            Keep::OnFailure => !success,
            Keep::Always => true,
        };
        if keep {
            return;
        }
        let problem = match timeout(API_LIMIT, namespace::delete(&arranged.client, namespace)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => chain(&error),
            Err(_) => format!("no answer after {}", seconds(API_LIMIT)),
        };
        eprintln!("namespace {namespace} stays until its cluster goes, because its deletion failed: {problem}");
    }
}
