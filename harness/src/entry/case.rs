//! One test as everybody knows it who may have to tell of it: its name, its phases, what it does, what it was given.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use kube::Client;

use crate::{
    activity::{Activity, Doing},
    diagnose::{self, Failed, Look},
    lease::LastWord,
    settings::{Keep, Settings},
};

use super::{
    context::Arranged,
    interrupt::{Interrupted, Signal, say},
    name::TestName,
    timeline::Timeline,
};

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

    /// What is said of a test that a signal ends.
    pub(super) fn ended_by(&self, signal: Signal) -> String {
        let who = match signal {
            Signal::Terminate => "SIGTERM, which test runners send at their time limit",
            Signal::Interrupt => "SIGINT, Ctrl-C",
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
    async fn tell_for_it(&self, signal: Signal, limit: Duration) {
        let (reason, timeline, doing) = (self.ended_by(signal), self.timeline.to_string(), self.activity.doing());
        let reason = format!("{reason}; it does not react, because its body blocks its thread");
        say(&diagnose::redacted(&reason));
        let Some(failed) = self.failed(&reason, &timeline, &doing) else { return };
        let Some((arranged, _)) = self.arranged.get() else { return };
        // The process ends, and with it the lease. First of all: whoever insists ends it before everything is told.
        if let Some(Err(error)) = self.last_word.get().map(LastWord::failed) {
            say(&format!("the cluster is not kept for {}: {error}", self.name.as_str()));
        }
        // The test's own client belongs to a runtime that does not run.
        say(&match Client::try_from(arranged.config.clone()) {
            Ok(client) => diagnose::failure(&client, &failed, limit).await,
            Err(error) => diagnose::unseen(&failed, &error.to_string()),
        });
    }

    fn is_alone(&self) -> bool {
        self.is_alone
    }
}
