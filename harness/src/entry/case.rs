//! One test as everybody knows it who may have to tell of it: its name, its phases, what it does, what it was given.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use kind_core::{
    activity::{Activity, Doing},
    redact::redacted,
    settings::{Keep, Settings},
};
use kind_lease::LastWord;
use kube::Client;

use super::{
    context::Arranged,
    interrupt::{Cause, Interrupted, say},
    name::TestName,
    namespace,
    stage::HURRIED_API_LIMIT,
    timeline::{Timeline, seconds},
};
use crate::diagnose::{self, Failed, Look, SUMMARY};

/// How many lines say what a test was doing that has no cluster yet.
const MOST_DOING: usize = 4;

/// A running test.
pub(super) struct Case {
    pub(super) name: TestName,
    pub(super) timeline: Timeline,
    pub(super) activity: Arc<Activity>,
    since: SystemTime,
    keep: Keep,
    is_alone: bool,
    arranged: OnceLock<(Arranged, Look)>,
    last_word: OnceLock<LastWord>,
    /// What is said where the body does not end in time.
    limit: OnceLock<String>,
}

impl Case {
    pub(super) fn new(name: TestName, activity: Arc<Activity>, settings: &Settings) -> Self {
        Self {
            name,
            timeline: Timeline::new(),
            activity,
            since: SystemTime::now(),
            keep: settings.keep,
            is_alone: settings.test.is_some(),
            arranged: OnceLock::new(),
            last_word: OnceLock::new(),
            limit: OnceLock::new(),
        }
    }

    /// The test has a cluster now, and everything else that it is given.
    pub(super) fn arranged(&self, arranged: &Arranged, look: Look, last_word: Option<LastWord>) {
        // It is arranged once.
        let _ = self.arranged.set((arranged.clone(), look));
        if let Some(last_word) = last_word {
            let _ = self.last_word.set(last_word);
        }
    }

    /// What is told of it when it failed for this reason; nothing before it had a cluster.
    pub(super) fn failed<'a>(&'a self, reason: &'a str, timeline: &'a str, doing: &'a Doing) -> Option<Failed<'a>> {
        let (arranged, look) = self.arranged.get()?;
        Some(Failed {
            test: self.name.as_str(),
            reason,
            timeline,
            since: self.since,
            doing,
            namespace: arranged.namespace.as_deref(),
            cluster: &arranged.cluster,
            keep: self.keep,
            look: look.clone(),
            folder: &arranged.artifacts,
        })
    }

    /// What there is to read of a test that failed, where anything is.
    pub(super) fn bundle(&self) -> Option<PathBuf> {
        let (arranged, _) = self.arranged.get()?;
        Some(arranged.artifacts.join(SUMMARY)).filter(|file| file.is_file())
    }

    /// The body begins, and has this limit, which that sets.
    pub(super) fn limited(&self, limit: Duration, from: &str) {
        // It begins once.
        let _ = self.limit.set(format!("{}, the limit that {from} sets", seconds(limit)));
    }

    /// What is said of a body that does not end.
    pub(super) fn ran_out(&self) -> String {
        let limit = self.limit.get().map_or("its limit", String::as_str);
        format!("{} did not end within {limit}; it {}", self.name.as_str(), self.timeline)
    }

    /// What is said of a test that this ends.
    pub(super) fn ended_by(&self, cause: &Cause) -> String {
        let who = match cause {
            Cause::Terminate => "SIGTERM, which test runners send at their time limit".to_owned(),
            Cause::Interrupt => "SIGINT, Ctrl-C".to_owned(),
            Cause::Blocked(test) if **test == *self.name.as_str() => return self.ran_out(),
            Cause::Blocked(test) => {
                format!("the end of its process: {test}, another test in it, blocks its thread beyond its limit")
            }
        };
        format!("{} was ended by {who}; it {}", self.name.as_str(), self.timeline)
    }

    /// What it was doing, in a few lines under a text.
    pub(super) fn with_doing(&self, text: String) -> String {
        self.activity.doing().lines(MOST_DOING).iter().fold(text, |text, line| format!("{text}\n  {line}"))
    }
}

#[async_trait(?Send)]
impl Interrupted for Case {
    fn name(&self) -> &str {
        self.name.as_str()
    }

    async fn tell_for_it(&self, cause: &Cause, limit: Duration) {
        let (reason, timeline, doing) = (self.ended_by(cause), self.timeline.to_string(), self.activity.doing());
        let reason = format!("{reason}; it does not react, because its body blocks its thread");
        say(&redacted(&reason));
        let Some(failed) = self.failed(&reason, &timeline, &doing) else { return };
        let Some((arranged, _)) = self.arranged.get() else { return };
        // The process ends, and with it the lease. First of all: whoever insists ends it before everything is told.
        if let Some(Err(error)) = self.last_word.get().map(LastWord::failed) {
            say(&format!("the cluster is not kept for {}: {error}", self.name.as_str()));
        }
        // The test's own client belongs to a runtime that does not run.
        let client = match Client::try_from(arranged.config.clone()) {
            Ok(client) => client,
            Err(error) => return say(&diagnose::unseen(&failed, &error.to_string())),
        };
        say(&diagnose::failure(&client, &failed, limit).await);
        if let (Keep::Never, Some(namespace)) = (self.keep, &arranged.namespace) {
            namespace::tidy_up(&client, namespace, HURRIED_API_LIMIT).await;
        }
    }

    fn is_alone(&self) -> bool {
        self.is_alone
    }
}
