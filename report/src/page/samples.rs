//! Runs for the tests of the page: small ones with every oddity, and a large one.

use kind_core::{access::Access, process::ProcessId};

use super::{
    model::{Bundle, ClusterLines, Other, Records, TestLines},
    record::{
        ClusterEvent, ClusterFacts, FORMAT, Head, Line, Machine, Ordered, Outcome, ShapeFacts, Subject, TestEvent,
    },
};

/// 24 November 2026, 14:03:12 UTC.
pub(super) const START: u64 = 1_795_528_992_000;

/// A run without tests.
pub(crate) fn empty() -> Records {
    Records {
        head: Head {
            format: FORMAT,
            began: START,
            run: "nextest 5d6c29b1".to_owned(),
            owner: ProcessId::current(),
            harness: "0.1.0".to_owned(),
            settings: Vec::new(),
        },
        machine: Some(Machine {
            system: "Linux 6.18.5, 2 processors, 24.0 GiB, x86_64".to_owned(),
            engine: "Docker 20.10.24, overlay2, cgroup v1".to_owned(),
        }),
        tests: Vec::new(),
        clusters: Vec::new(),
        now: START,
        live: false,
        unread: 0,
        others: Vec::new(),
    }
}

/// A cluster's shape and name.
#[derive(Clone, Copy)]
pub(super) struct Made {
    pub(super) name: &'static str,
    pub(super) digest: &'static str,
    pub(super) label: &'static str,
}

pub(super) const HIGHLY_AVAILABLE: Made =
    Made { name: "kt-03b1f2c4d5", digest: "03b1f2c4d5", label: "3 control planes, 1 worker" };
pub(super) const SMALL: Made = Made { name: "kt-77aa0b1c2d", digest: "77aa0b1c2d", label: "1 control plane" };
pub(super) const LARGE: Made =
    Made { name: "kt-c0ffee0123", digest: "c0ffee0123", label: "5 control planes, 10 workers" };

impl Made {
    pub(super) fn facts(self) -> ClusterFacts {
        ClusterFacts {
            name: self.name.to_owned(),
            image: "kind-rs/node:v1.37.2-0a1b2c3d".to_owned(),
            version: "v1.37.2".to_owned(),
            label: self.label.to_owned(),
        }
    }

    fn shape(self) -> ShapeFacts {
        ShapeFacts { digest: self.digest.to_owned(), label: self.label.to_owned() }
    }

    fn ordered(self, idle: Option<u64>) -> ClusterEvent {
        ClusterEvent::Ordered(Ordered {
            cluster: self.name.to_owned(),
            shape: self.shape(),
            image: self.facts().image,
            scope: "nextest 5d6c29b1".to_owned(),
            idle,
            keeper: ProcessId::current(),
        })
    }

    /// A bring-up that begins so many milliseconds after the start and takes so long, without its end.
    fn bring_up(begin: u64, took: u64, attempt: u32) -> Vec<Line<ClusterEvent>> {
        let parts = [
            ("find the node image", 0, 1),
            ("check and plan", 1, 3),
            ("create the network", 3, 6),
            ("start the containers", 6, 18),
            ("boot the nodes", 18, 27),
            ("start the control planes", 27, 61),
            ("join the nodes", 61, 84),
            ("install storage", 61, 70),
            ("wait for nodes, DNS and storage", 84, 100),
        ];
        let mut lines = vec![line(begin, ClusterEvent::Creating { attempt })];
        for (step, from, to) in parts {
            lines.push(line(begin + took * from / 100, ClusterEvent::StepBegan { step: step.to_owned() }));
            lines.push(line(begin + took * to / 100, ClusterEvent::StepEnded { step: step.to_owned(), well: true }));
        }
        lines.sort_by_key(|line| line.at);
        lines
    }

    /// A cluster that comes up.
    pub(super) fn up(self, begin: u64, took: u64, idle: Option<u64>) -> ClusterLines {
        let mut lines = vec![line(begin, self.ordered(idle))];
        lines.extend(Self::bring_up(begin, took, 1));
        lines.push(line(begin + took, ClusterEvent::Ready(self.facts())));
        ClusterLines { lines, logs: None }
    }

    /// A cluster that does not.
    pub(super) fn down(self, begin: u64, took: u64, error: &str) -> ClusterLines {
        let mut lines = vec![line(begin, self.ordered(None))];
        let mut steps = Self::bring_up(begin, took * 2, 1);
        steps.retain(|line| line.at <= START + begin + took);
        lines.extend(steps);
        let step = "start the control planes".to_owned();
        lines.push(line(begin + took, ClusterEvent::StepEnded { step, well: false }));
        lines.push(line(begin + took, ClusterEvent::Failed { error: error.to_owned() }));
        lines.push(line(begin + took + 900, ClusterEvent::Removed));
        let entries = ["kt-c0ffee0123-control-plane/", "kt-c0ffee0123-worker/"].map(str::to_owned).to_vec();
        ClusterLines { lines, logs: Some(Bundle { folder: self.name.to_owned(), entries }) }
    }
}

pub(super) fn line<E>(after: u64, event: E) -> Line<E> {
    Line { format: FORMAT, at: START + after, event }
}

/// One attempt of a test; the times are milliseconds after the start.
pub(super) struct Script<'a> {
    pub(super) test: &'a str,
    pub(super) attempt: u32,
    pub(super) access: Access,
    pub(super) cluster: Made,
    pub(super) began: u64,
    pub(super) attached: Option<u64>,
    pub(super) ended: Option<(u64, Outcome, Option<&'a str>)>,
    pub(super) alive: bool,
}

impl<'a> Script<'a> {
    pub(super) fn passed(test: &'a str, cluster: Made, began: u64, attached: u64, ended: u64) -> Self {
        let (attached, ended) = (Some(attached), Some((ended, Outcome::Passed, None)));
        Self { test, attempt: 1, access: Access::Shared, cluster, began, attached, ended, alive: false }
    }

    pub(super) fn lines(&self) -> TestLines {
        let mut lines = vec![line(self.began, TestEvent::Began(self.subject()))];
        if let Some(attached) = self.attached {
            lines.push(line(attached, TestEvent::Attached(self.cluster.facts())));
            let namespace = (self.access != Access::Read).then(|| {
                let name = self.test.rsplit("::").next().unwrap_or_default();
                format!("{}-61f5a0-12345", name.replace('_', "-"))
            });
            lines.push(line(attached + 40, TestEvent::Running { namespace }));
        }
        if let Some((ended, outcome, reason)) = self.ended {
            lines.push(line(ended, TestEvent::Judged { outcome, reason: reason.map(str::to_owned) }));
            let after = if outcome == Outcome::Failed { 700 } else { 25 };
            lines.push(line(ended + after, TestEvent::Done));
        }
        let failed = matches!(self.ended, Some((_, Outcome::Failed, _))) && self.attached.is_some();
        let entries = ["events.txt", "logs/", "summary.txt"].map(str::to_owned).to_vec();
        let bundle = failed.then(|| Bundle { folder: self.test.replace("::", "."), entries });
        TestLines { lines, alive: self.alive, bundle }
    }

    fn subject(&self) -> Subject {
        Subject {
            package: "shop".to_owned(),
            test: self.test.to_owned(),
            attempt: self.attempt,
            access: self.access,
            shape: Some(self.cluster.shape()),
            folder: self.test.replace("::", "."),
            process: ProcessId::current(),
        }
    }
}

/// One test that passed.
pub(crate) fn one() -> Records {
    Records {
        tests: vec![Script::passed("smoke::orders::survives_restart", HIGHLY_AVAILABLE, 0, 24_900, 31_234).lines()],
        clusters: vec![HIGHLY_AVAILABLE.up(120, 24_700, None)],
        now: START + 32_000,
        ..empty()
    }
}

/// A few tests with everything that can happen.
pub(crate) fn odd() -> Records {
    let ha = HIGHLY_AVAILABLE;
    let failed = "the test returned an error: place the order\n  caused by: nobody answered <b>at all</b> & \"more\"";
    let bring_up = "start the control planes on kt-c0ffee0123-control-plane: failed after 31.0 s\n    E1124 kubelet: boom\n  caused by: not done within its limit of 300 s";
    let mut tests = vec![
        Script::passed("smoke::hello::a_pod_runs_and_finds_the_api", ha, 0, 25_000, 29_400),
        Script { access: Access::Read, ..Script::passed("smoke::nodes::all_are_ready", ha, 10, 25_010, 25_400) },
        Script {
            ended: Some((33_500, Outcome::Failed, Some(failed))),
            ..Script::passed("smoke::orders::survives_restart", ha, 15, 25_020, 0)
        },
        Script {
            access: Access::Exclusive,
            ..Script::passed("smoke::failover::one_control_plane_may_go", ha, 29_500, 34_400, 52_000)
        },
        Script {
            ended: Some((55_000, Outcome::Failed, Some("panicked: not yet"))),
            ..Script::passed("smoke::scale::up_and_down", ha, 52_100, 52_200, 0)
        },
        Script { attempt: 2, ..Script::passed("smoke::scale::up_and_down", ha, 56_000, 56_060, 58_000) },
        Script { ended: None, ..Script::passed("smoke::volume::is_kept", ha, 52_150, 52_210, 0) },
        Script {
            attached: None,
            ended: Some((45_000, Outcome::Failed, Some(bring_up))),
            ..Script::passed("large::fits", LARGE, 13_000, 0, 0)
        },
        Script {
            attached: None,
            ended: Some((60_000, Outcome::Skipped, Some("it needs nodes, and the cluster is somebody else's"))),
            ..Script::passed("smoke::nodes::one_is_stopped", SMALL, 59_990, 0, 0)
        },
    ];
    tests.push(Script { alive: true, ended: None, ..Script::passed("smoke::dns::resolves", ha, 57_000, 57_050, 0) });
    tests.push(Script {
        alive: true,
        attached: None,
        ended: None,
        ..Script::passed("smoke::rbac::may_not", ha, 60_500, 0, 0)
    });
    let mut reused = SMALL.up(0, 9_000, Some(1800));
    for line in &mut reused.lines {
        line.at -= 7_200_000;
    }
    let mut checked = ha.up(120, 24_700, None);
    checked.lines.push(line(52_080, ClusterEvent::Checked));
    reused.lines.push(line(5_000, ClusterEvent::Paused));
    reused.lines.push(line(18_000, ClusterEvent::Ready(SMALL.facts())));
    let head = Head { settings: vec![("KIND_TEST_KEEP".to_owned(), "always".to_owned())], ..empty().head };
    Records {
        head,
        tests: tests.iter().map(Script::lines).collect(),
        clusters: vec![checked, LARGE.down(13_100, 31_000, bring_up), reused],
        now: START + 61_000,
        live: true,
        unread: 1,
        others: vec![Other { path: "runs/nextest-0a/report.html".to_owned(), began: START - 3_600_000 }],
        ..empty()
    }
}

/// Many tests on three clusters, four at a time, some of them failing. The same each time.
pub(crate) fn many(count: usize) -> Records {
    let mut seed = 42_u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let clusters = [(HIGHLY_AVAILABLE, 26_000), (SMALL, 11_000), (LARGE, 54_000)];
    let groups = ["orders", "payments", "controller::leader_election", "webhooks", "storage", "network::policies"];
    let verbs = ["survives_restart", "is_eventually_consistent", "rejects_bad_input", "scales_to_zero_and_back"];
    let mut slots = [0_u64; 4];
    let mut tests = Vec::new();
    for index in 0..count {
        let (cluster, ready) = clusters[if random(10) < 7 { 0 } else { 1 + usize::try_from(random(2)).unwrap() }];
        let group = groups[usize::try_from(random(6)).unwrap()];
        let verb = verbs[usize::try_from(random(4)).unwrap()];
        let test = format!("e2e::{group}::{verb}::case_{index:03}");
        let slot = (0..4).min_by_key(|slot| slots[*slot]).unwrap();
        let began = slots[slot];
        let attached = (began + 12).max(ready) + random(5);
        let took = 200 + random(1_500) + if random(25) == 0 { random(20_000) } else { 0 };
        let ended = attached + took;
        slots[slot] = ended + 60;
        let script = Script::passed(&test, cluster, began, attached, ended);
        let reason = "the test returned an error: expected 3 replicas, saw 2\n  caused by: timed out after 20 s";
        match random(60) {
            0 => tests.push(Script { ended: Some((ended, Outcome::Failed, Some(reason))), ..script }.lines()),
            1 => {
                tests.push(Script { ended: Some((ended, Outcome::Failed, Some(reason))), ..script }.lines());
                let again = Script::passed(&test, cluster, ended + 800, ended + 815, ended + 815 + took);
                tests.push(Script { attempt: 2, ..again }.lines());
                slots[slot] += took + 900;
            }
            2 => tests.push(Script { access: Access::Exclusive, ..script }.lines()),
            3 => tests.push(Script { access: Access::Read, ..script }.lines()),
            _ => tests.push(script.lines()),
        }
    }
    let made = clusters.map(|(cluster, ready)| cluster.up(60, ready - 80, None));
    let end = slots.into_iter().max().unwrap();
    Records { tests, clusters: made.to_vec(), now: START + end, ..empty() }
}
