//! A run as the page shows it: tests grouped by the cluster that they used, and what they come to.

use std::collections::BTreeMap;

use super::{
    history::{BringUp, Fate, History},
    record::{ClusterEvent, Head, Line, Machine, TestEvent},
    tries::{State, Test, Try},
};

/// Everything that was recorded of a run, as it was found at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) head: Head,
    pub(crate) machine: Option<Machine>,
    pub(crate) tests: Vec<TestLines>,
    pub(crate) clusters: Vec<ClusterLines>,
    /// When it was looked at, in milliseconds since 1970.
    pub(crate) now: u64,
    /// Whether the run goes on.
    pub(crate) live: bool,
    /// How many lines could not be read.
    pub(crate) unread: usize,
    /// Other runs' reports that are still there, newest first.
    pub(crate) others: Vec<Other>,
}

/// The records of one attempt of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TestLines {
    pub(crate) lines: Vec<Line<TestEvent>>,
    /// Whether its process lives.
    pub(crate) alive: bool,
    /// What it left, where that is there.
    pub(crate) bundle: Option<Bundle>,
}

/// A folder below the artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// Its name.
    pub(crate) folder: String,
    /// The names of what is in it; those of folders end in `/`.
    pub(crate) entries: Vec<String>,
}

/// The records of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterLines {
    pub(crate) lines: Vec<Line<ClusterEvent>>,
    /// Its nodes' logs, where a bring-up failed and they are there.
    pub(crate) logs: Option<Bundle>,
}

/// Another run's report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Other {
    /// Its path below the artifacts.
    pub(crate) path: String,
    /// When that run began.
    pub(crate) began: u64,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) head: Head,
    pub(crate) machine: Option<Machine>,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) now: u64,
    pub(crate) live: bool,
    pub(crate) unread: usize,
    pub(crate) others: Vec<Other>,
    /// Where the time axis of tests begins and ends.
    pub(crate) span: (u64, u64),
}

/// A cluster and the tests that used it, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) cluster: Option<History>,
    /// The shape in words, where it is known.
    pub(crate) label: Option<String>,
    pub(crate) tests: Vec<Test>,
}

impl Run {
    /// Makes sense of the records.
    pub(crate) fn of(records: Records) -> Self {
        let Records { head, machine, tests, clusters, now, live, unread, others } = records;
        let tries: Vec<Try> = tests.into_iter().filter_map(|lines| Try::of(lines, now)).collect();
        let histories: Vec<History> = clusters.into_iter().filter_map(History::of).collect();
        let began = tries.iter().map(|one| one.began).min().unwrap_or(head.began);
        let of_tests = tries.iter().map(|one| one.until).max();
        let of_clusters = histories.iter().flat_map(|it| &it.bring_ups).map(|one| one.until).max();
        let ended = of_tests.max(of_clusters).unwrap_or(began);
        let lanes = lanes(tries, &histories);
        Self { head, machine, lanes, now, live, unread, others, span: (began, ended.max(began)) }
    }

    /// All tests.
    pub(crate) fn tests(&self) -> impl Iterator<Item = &Test> {
        self.lanes.iter().flat_map(|lane| &lane.tests)
    }

    /// How many tests are in which state.
    pub(crate) fn count(&self, state: State) -> usize {
        self.tests().filter(|test| test.state == state).count()
    }

    /// How long it took, in milliseconds.
    pub(crate) fn took(&self) -> u64 {
        self.span.1 - self.span.0
    }

    /// How many clusters were made in this run, how many were there before it, and how many failed.
    pub(crate) fn clusters(&self) -> (usize, usize, usize) {
        let histories = || self.lanes.iter().filter_map(|lane| lane.cluster.as_ref());
        let failed = histories().filter(|it| it.fate == Fate::Failed).count();
        let made = histories().filter(|it| self.is_made_here(it) && it.fate != Fate::Failed).count();
        (made, histories().count() - failed - made, failed)
    }

    /// Whether a cluster was made for this run.
    pub(crate) fn is_made_here(&self, history: &History) -> bool {
        // The first test notes its beginning before it asks for a keeper.
        history.is_made_since(self.span.0.min(self.head.began))
    }

    /// A cluster's bring-ups in this run; all where it was made before.
    pub(crate) fn bring_ups<'a>(&self, history: &'a History) -> Vec<&'a BringUp> {
        let since = self.span.0.min(self.head.began);
        let ours: Vec<&BringUp> = history.bring_ups.iter().filter(|one| one.began >= since).collect();
        if ours.is_empty() { history.bring_ups.iter().collect() } else { ours }
    }
}

/// Groups tests by cluster: the one they used, else the one that was made for their shape.
fn lanes(tries: Vec<Try>, histories: &[History]) -> Vec<Lane> {
    let of_shape = |digest: &str| {
        let of_this = |it: &&History| it.ordered.as_ref().is_some_and(|ordered| ordered.shape.digest == digest);
        histories.iter().rfind(of_this).map(|it| it.name.clone())
    };
    // A test's attempts stay together, where the last one was.
    let mut tests: BTreeMap<(String, String), Vec<Try>> = BTreeMap::new();
    for one in tries {
        tests.entry((one.package.clone(), one.test.clone())).or_default().push(one);
    }
    let mut grouped: BTreeMap<LaneKey, Vec<Test>> = BTreeMap::new();
    for test in tests.into_values().map(Test::of) {
        let used = test.tries.iter().rev().find_map(|one| one.cluster.as_ref()).map(|it| it.name.clone());
        let shape = test.last().shape.as_ref();
        let key = match used.or_else(|| of_shape(&shape?.digest)) {
            Some(name) => LaneKey::Cluster(name),
            None => LaneKey::Shape(shape.map(|shape| shape.digest.clone())),
        };
        grouped.entry(key).or_default().push(test);
    }
    for history in histories {
        grouped.entry(LaneKey::Cluster(history.name.clone())).or_default();
    }
    let mut lanes: Vec<Lane> = grouped.into_iter().map(|(key, tests)| lane(&key, tests, histories)).collect();
    lanes.sort_by_key(|lane| {
        let of_cluster = lane.cluster.as_ref().and_then(|it| Some(it.bring_ups.first()?.began));
        let of_tests = lane.tests.first().map(Test::began);
        of_tests.or(of_cluster).unwrap_or(u64::MAX)
    });
    lanes
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LaneKey {
    /// A cluster of that name.
    Cluster(String),
    /// No cluster, but a wish for one of that shape.
    Shape(Option<String>),
}

fn lane(key: &LaneKey, mut tests: Vec<Test>, histories: &[History]) -> Lane {
    tests.sort_by(|a, b| (a.began(), &a.last().test).cmp(&(b.began(), &b.last().test)));
    let facts = tests.iter().flat_map(|test| &test.tries).find_map(|one| one.cluster.clone());
    let cluster = match key {
        LaneKey::Cluster(name) => {
            let known = histories.iter().find(|it| &it.name == name).cloned();
            let mut history = known.unwrap_or_else(|| History::unknown(name));
            history.facts = history.facts.or(facts);
            Some(history)
        }
        LaneKey::Shape(_) => None,
    };
    let of_cluster = cluster.as_ref().and_then(|it| {
        let facts = it.facts.as_ref().map(|facts| facts.label.clone());
        facts.or_else(|| Some(it.ordered.as_ref()?.shape.label.clone()))
    });
    let of_tests = || tests.iter().find_map(|test| Some(test.last().shape.as_ref()?.label.clone()));
    Lane { label: of_cluster.or_else(of_tests), cluster, tests }
}
