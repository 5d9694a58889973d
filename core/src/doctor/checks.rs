//! What is good enough, and what to do where it is not. Thresholds are from kind's list of known issues and from what
//! nodes of ours were measured to take.

use kind_engine::EngineFacts;
use serde::Serialize;

use super::{engine, facts::Facts, room, routes};
use crate::{provision::rootless_obstacle, spec::NetworkPools};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked.
    pub check: String,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do; empty where nothing is to be done.
    pub advice: String,
    /// What `--fix` does about it.
    pub fix: Option<Fix>,
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Clusters come up, but something may go wrong later or with larger ones.
    Doubtful,
    /// Clusters do not come up.
    Bad,
}

/// A kernel setting to raise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// Its name, such as `fs.inotify.max_user_watches`.
    pub setting: &'static str,
    /// The value to set.
    pub value: u64,
}

/// Settings of the kernel: the value below which clusters fail, the one to have, and for what.
const KERNEL: [(&str, u64, u64, &str); 6] = [
    ("kernel.keys.maxkeys", 200, 2000, "every container has a keyring of its own"),
    ("kernel.pid_max", 32_768, 65_536, "all nodes share the machine's process numbers"),
    ("fs.file-max", 65_536, 524_288, "all nodes share the machine's open files"),
    ("vm.max_map_count", 65_530, 262_144, "search engines and databases in pods ask for it"),
    (
        "net.ipv4.neigh.default.gc_thresh3",
        256,
        4096,
        "nodes and pods of all clusters share the machine's table of neighbours",
    ),
    (
        "net.ipv6.neigh.default.gc_thresh3",
        256,
        4096,
        "nodes and pods of all clusters share the machine's table of neighbours",
    ),
];

pub(super) const GIB: u64 = 1 << 30;
/// Judges everything, the worst first.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![container_engine(facts)];
    if let Some(found) = &facts.engine {
        findings.extend([engine::api(found), engine::storage(found)]);
        findings.extend(engine::snap(found));
    }
    findings.extend(engine::configuration(facts.daemon.as_ref()));
    findings.extend([image(facts), networks(facts), room::disk(facts), room::inodes(facts)].into_iter().flatten());
    findings.extend([kernel(facts), overlay(facts), controllers(facts), namespaces(facts)].into_iter().flatten());
    findings.extend([memory(facts), selinux(facts), left(facts)].into_iter().flatten());
    findings.extend(facts.routes.as_deref().map(routes::routes));
    findings.push(loopback(facts));
    findings.extend(room::inotify(facts));
    findings.extend(KERNEL.iter().filter_map(|limits| setting(facts, *limits)));
    findings.extend(connections(facts));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    findings
}

pub(super) fn finding(check: &str, verdict: Verdict, found: impl Into<String>, advice: impl Into<String>) -> Finding {
    let advice = if verdict == Verdict::Good { String::new() } else { advice.into() };
    Finding { check: check.to_owned(), verdict, found: found.into(), advice, fix: None }
}

/// Bad below the first, doubtful below the second.
pub(super) fn rate(value: u64, least: u64, enough: u64) -> Verdict {
    if value < least {
        Verdict::Bad
    } else if value < enough {
        Verdict::Doubtful
    } else {
        Verdict::Good
    }
}

fn container_engine(facts: &Facts) -> Finding {
    let Some(engine) = &facts.engine else {
        let advice =
            "DOCKER_HOST, DOCKER_CONTEXT and `docker context ls` say which one is meant; `docker version` asks it";
        let why = facts.no_engine.as_deref().unwrap_or("none answers");
        return finding("container engine", Verdict::Bad, why, advice);
    };
    let how = if engine.rootless { ", rootless" } else { "" };
    let remapped = if engine.userns_remapped { ", users remapped" } else { "" };
    let elsewhere = if engine.local { "" } else { ", on another machine or outside of this container" };
    let EngineFacts { product, version, architecture, address, found_by, .. } = engine;
    let found = format!("{product} {version} on {architecture}{how}{remapped}, {address} ({found_by}){elsewhere}");
    let obstacle = rootless_obstacle(engine);
    let verdict = match (&obstacle, engine.rootless) {
        (Some(_), _) => Verdict::Bad,
        (None, true) => Verdict::Doubtful,
        (None, false) => Verdict::Good,
    };
    let untried = || "no cluster has been seen Ready on an engine without root: use one that runs as root".to_owned();
    finding("container engine", verdict, found, obstacle.unwrap_or_else(untried))
}

fn image(facts: &Facts) -> Option<Finding> {
    let (image, architecture) = facts.image.as_ref()?;
    let of_engine = facts.engine.as_ref().map(|engine| &engine.architecture);
    if let Some(other) = architecture.as_ref().filter(|found| of_engine.is_some_and(|wanted| wanted != *found)) {
        let advice = "its programs do not run on this engine: `kind-rs build node-image` builds one that does";
        return Some(finding("node image", Verdict::Bad, format!("{image} is for {other}"), advice));
    }
    let (verdict, found) =
        if architecture.is_some() { (Verdict::Good, "there") } else { (Verdict::Doubtful, "not there") };
    // What is built here is in no registry, and what stands in for it runs on one kind of host.
    let is_built = image.starts_with(crate::image::OWN);
    let advice = match facts.engine.as_ref().map(|engine| engine.cgroup_version) {
        _ if !is_built => "it is pulled when a cluster is made",
        Some(1) => "`kind-rs build node-image` builds it; kind's own, which is in registries, needs control groups v2",
        _ => "kind's own is pulled when a cluster is made, or `kind-rs build node-image` builds this one",
    };
    Some(finding("node image", verdict, format!("{image} is {found}"), advice))
}

fn networks(facts: &Facts) -> Option<Finding> {
    let (verdict, found) = match facts.networks.as_ref()? {
        (NetworkPools::Engine, _) => (Verdict::Good, "their ranges are the engine's choice".to_owned()),
        (_, Some(range)) => (Verdict::Good, format!("{range} is free")),
        (pools, None) => (Verdict::Bad, format!("no range is free in {pools}")),
    };
    let advice = "routes of the engine's machine and other networks have them all: name others in KIND_TEST_NETWORKS";
    Some(finding("clusters' networks", verdict, found, advice))
}

fn kernel(facts: &Facts) -> Option<Finding> {
    let release = facts.kernel.as_ref()?;
    let major: u64 = release.split('.').next()?.parse().ok()?;
    Some(finding("kernel", rate(major, 4, 5), release.clone(), "use Linux 5 or newer"))
}

fn overlay(facts: &Facts) -> Option<Finding> {
    let verdict = if facts.overlay? { Verdict::Good } else { Verdict::Bad };
    let found = if verdict == Verdict::Good { "there" } else { "missing" };
    Some(finding("overlay file system", verdict, found, "`modprobe overlay`"))
}

fn controllers(facts: &Facts) -> Option<Finding> {
    let there = facts.controllers.as_ref()?;
    let missing: Vec<&str> =
        ["cpu", "memory", "pids"].into_iter().filter(|name| !there.iter().any(|has| has == name)).collect();
    let version = facts.engine.as_ref().map(|engine| format!("cgroup v{} with ", engine.cgroup_version));
    let found = if missing.is_empty() {
        format!("{}cpu, memory, pids", version.unwrap_or_default())
    } else {
        format!("without {}", missing.join(", "))
    };
    let verdict = if missing.is_empty() { Verdict::Good } else { Verdict::Bad };
    Some(finding("cgroups", verdict, found, "enable them on the kernel's command line, such as cgroup_enable=memory"))
}

fn namespaces(facts: &Facts) -> Option<Finding> {
    let verdict = if facts.cgroup_namespaces? { Verdict::Good } else { Verdict::Bad };
    let found = if verdict == Verdict::Good { "there" } else { "missing" };
    let advice =
        "a node has to have cgroups of its own: use a kernel with CONFIG_CGROUPS and namespaces (4.6 or newer)";
    Some(finding("cgroup namespaces", verdict, found, advice))
}

fn selinux(facts: &Facts) -> Option<Finding> {
    let enforcing = facts.selinux?;
    let (verdict, found) = if enforcing { (Verdict::Doubtful, "enforcing") } else { (Verdict::Good, "permissive") };
    let advice = "nodes run without its rules; extraMounts of your files need `selinuxRelabel: true`";
    Some(finding("SELinux", verdict, found, advice))
}

fn left(facts: &Facts) -> Option<Finding> {
    let (verdict, found) = match facts.left.as_ref()? {
        Ok(0) => (Verdict::Good, "nothing".to_owned()),
        Ok(count) => (Verdict::Doubtful, format!("{count} clusters or parts of some without an owner")),
        Err(why) => (Verdict::Doubtful, format!("cannot be told: {why}")),
    };
    Some(finding("left behind by tests", verdict, found, "`kind-rs gc` removes it, and so does the next test run"))
}

fn memory(facts: &Facts) -> Option<Finding> {
    let bytes = facts.memory?;
    let found = format!("{} MiB available", bytes >> 20);
    let advice = "a control plane takes about 1 GiB, a worker half of it: stop something, or ask for fewer nodes";
    Some(finding("memory", rate(bytes, GIB, 5 * GIB), found, advice))
}

fn loopback(facts: &Facts) -> Finding {
    let (verdict, found) =
        if facts.loopback { (Verdict::Good, "ports are free") } else { (Verdict::Bad, "no port can be opened") };
    finding("127.0.0.1", verdict, found, "the API is published there: bring the loopback interface up")
}

fn setting(facts: &Facts, (name, least, enough, why): (&'static str, u64, u64, &str)) -> Option<Finding> {
    let value = facts.setting(name)?;
    // The lowest is what distributions ship: it works for small clusters.
    let verdict = rate(value, least, enough);
    let advice = format!("{why}: `sysctl -w {name}={enough}`, and in /etc/sysctl.d to keep it");
    let fix = (verdict != Verdict::Good && facts.local).then_some(Fix { setting: name, value: enough });
    Some(Finding { fix, ..finding(name, verdict, value.to_string(), advice) })
}

/// Where 0 there is no limit, and where the module is not loaded there is no setting.
fn connections(facts: &Facts) -> Option<Finding> {
    const NAME: &str = "net.netfilter.nf_conntrack_max";
    const ENOUGH: u64 = 65_536;
    let value = facts.setting(NAME).filter(|value| *value > 0)?;
    let advice = format!("connections of all nodes are counted together: `sysctl -w {NAME}={ENOUGH}`");
    let verdict = rate(value, 8192, ENOUGH);
    let fix = (verdict != Verdict::Good && facts.local).then_some(Fix { setting: NAME, value: ENOUGH });
    Some(Finding { fix, ..finding(NAME, verdict, value.to_string(), advice) })
}

#[cfg(test)]
mod tests {
    use kind_images::machine::{Limit, Room};
    use rstest::rstest;

    use super::*;

    fn facts() -> Facts {
        Facts {
            no_engine: None,
            engine: Some(EngineFacts {
                product: "Docker".to_owned(),
                address: "unix:///x".to_owned(),
                found_by: "from DOCKER_HOST".to_owned(),
                machine: None,
                version: "20.10".to_owned(),
                api_version: "1.41".to_owned(),
                cgroup_version: 2,
                storage_driver: "overlay2".to_owned(),
                root_dir: "/var/lib/docker".to_owned(),
                architecture: "amd64".to_owned(),
                processors: 2,
                memory: 1 << 34,
                userns_remapped: false,
                local: true,
                rootless: false,
                missing_limits: Vec::new(),
                time: String::new(),
            }),
            networks: Some((NetworkPools::default(), Some("198.18.0.0/26".parse().unwrap()))),
            image: Some(("node:1".to_owned(), Some("amd64".to_owned()))),
            daemon: Some(Ok(serde_json::json!({ "log-driver": "local" }))),
            settings: KERNEL.iter().map(|(name, _, enough, _)| (*name, Some(*enough))).collect(),
            kernel: Some("6.1.0-x".to_owned()),
            overlay: Some(true),
            controllers: Some(["cpuset", "cpu", "memory", "pids"].map(str::to_owned).to_vec()),
            room: Some(Room {
                instances: Limit { limit: Some(1024), used: Some(60) },
                watches: Limit { limit: Some(524_288), used: Some(60) },
                disk: Some(50 * GIB),
                folder: "/var/lib/docker".into(),
            }),
            inodes: Some(1_000_000),
            memory: Some(8 * GIB),
            loopback: true,
            local: true,
            cgroup_namespaces: Some(true),
            routes: Some(Vec::new()),
            selinux: None,
            left: Some(Ok(0)),
        }
    }

    /// The only finding that is not good.
    fn only(change: impl FnOnce(&mut Facts)) -> Finding {
        let mut facts = facts();
        change(&mut facts);
        let mut wrong = findings(&facts);
        wrong.retain(|finding| finding.verdict != Verdict::Good);
        assert_eq!(wrong.len(), 1, "{wrong:#?}");
        wrong.remove(0)
    }

    #[test]
    fn a_fit_machine_has_nothing_to_do() {
        let findings = findings(&facts());
        assert!(findings.len() >= 15, "{findings:#?}");
        assert!(findings.iter().all(|finding| finding.verdict == Verdict::Good && finding.advice.is_empty()));
    }

    #[test]
    fn where_a_missing_image_comes_from_is_said() {
        let advice = |image: &str, version| {
            only(|facts| {
                facts.image = Some((image.to_owned(), None));
                facts.engine.as_mut().unwrap().cgroup_version = version;
            })
            .advice
        };
        assert_eq!(advice("corp.example/node:1", 1), "it is pulled when a cluster is made");
        assert!(advice("kind-rs/node:1", 2).starts_with("kind's own is pulled"));
        assert!(advice("kind-rs/node:1", 1).ends_with("needs control groups v2"));
    }

    type Change = fn(&mut Facts);

    fn room(facts: &mut Facts) -> &mut Room {
        facts.room.as_mut().unwrap()
    }

    #[rstest]
    #[case::engine(|facts: &mut Facts| facts.engine = None, "container engine", Verdict::Bad)]
    #[case::image(|facts: &mut Facts| facts.image = Some(("x".into(), None)), "node image", Verdict::Doubtful)]
    #[case::image_of_others(|facts: &mut Facts| facts.image = Some(("x".into(), Some("arm64".into()))), "node image", Verdict::Bad)]
    #[case::old_api(|facts: &mut Facts| facts.engine.as_mut().unwrap().api_version = "1.40".into(), "engine's API", Verdict::Bad)]
    #[case::storage(|facts: &mut Facts| facts.engine.as_mut().unwrap().storage_driver = "vfs".into(), "storage driver", Verdict::Doubtful)]
    #[case::snap(|facts: &mut Facts| facts.engine.as_mut().unwrap().root_dir = "/var/snap/docker/common".into(), "engine's package", Verdict::Doubtful)]
    #[case::iptables(|facts: &mut Facts| facts.daemon = Some(Ok(serde_json::json!({ "iptables": false }))), "daemon.json: iptables", Verdict::Doubtful)]
    #[case::broken(|facts: &mut Facts| facts.daemon = Some(Err("expected `,`".into())), "daemon.json", Verdict::Doubtful)]
    #[case::rootless(|facts: &mut Facts| facts.engine.as_mut().unwrap().rootless = true, "container engine", Verdict::Doubtful)]
    #[case::undelegated(|facts: &mut Facts| {
        let engine = facts.engine.as_mut().unwrap();
        (engine.rootless, engine.missing_limits) = (true, vec!["memory"]);
    }, "container engine", Verdict::Bad)]
    #[case::namespaces(|facts: &mut Facts| facts.cgroup_namespaces = Some(false), "cgroup namespaces", Verdict::Bad)]
    #[case::selinux(|facts: &mut Facts| facts.selinux = Some(true), "SELinux", Verdict::Doubtful)]
    #[case::unknown(|facts: &mut Facts| facts.left = Some(Err("no folder".into())), "left behind by tests", Verdict::Doubtful)]
    #[case::left(|facts: &mut Facts| facts.left = Some(Ok(2)), "left behind by tests", Verdict::Doubtful)]
    #[case::networks(|facts: &mut Facts| facts.networks.as_mut().unwrap().1 = None, "clusters' networks", Verdict::Bad)]
    #[case::disk(|facts: &mut Facts| room(facts).disk = Some(3 * GIB), "disk", Verdict::Doubtful)]
    #[case::full(|facts: &mut Facts| room(facts).disk = Some(GIB), "disk", Verdict::Bad)]
    #[case::inodes(|facts: &mut Facts| facts.inodes = Some(9), "inodes", Verdict::Bad)]
    #[case::kernel(|facts: &mut Facts| facts.kernel = Some("4.19.0".into()), "kernel", Verdict::Doubtful)]
    #[case::overlay(|facts: &mut Facts| facts.overlay = Some(false), "overlay file system", Verdict::Bad)]
    #[case::cgroups(|facts: &mut Facts| facts.controllers = Some(vec!["cpu".into()]), "cgroups", Verdict::Bad)]
    #[case::memory(|facts: &mut Facts| facts.memory = Some(2 * GIB), "memory", Verdict::Doubtful)]
    #[case::loopback(|facts: &mut Facts| facts.loopback = false, "127.0.0.1", Verdict::Bad)]
    fn what_is_wrong_is_found_and_answered(#[case] change: Change, #[case] check: &str, #[case] verdict: Verdict) {
        let found = only(change);
        assert_eq!((found.check.as_str(), found.verdict), (check, verdict));
        assert!(!found.advice.is_empty() && found.fix.is_none());
    }

    #[test]
    fn kernel_settings_can_be_mended_where_the_engine_is_on_this_machine() {
        let found = only(|facts| facts.settings[1].1 = Some(32_768));
        assert_eq!(found.fix, Some(Fix { setting: "kernel.pid_max", value: 65_536 }));
        assert!(found.advice.contains("sysctl -w kernel.pid_max=65536"), "{}", found.advice);
        let elsewhere = only(|facts| {
            facts.settings[1].1 = Some(32_768);
            facts.local = false;
        });
        assert_eq!(elsewhere.fix, None);
    }

    #[test]
    fn an_engine_is_shown_with_what_named_it_and_a_missing_one_with_its_reason() {
        let found = container_engine(&facts()).found;
        assert_eq!(found, "Docker 20.10 on amd64, unix:///x (from DOCKER_HOST)");
        let found = only(|facts| (facts.engine, facts.no_engine) = (None, Some("permission denied".to_owned())));
        assert_eq!((found.found.as_str(), found.verdict), ("permission denied", Verdict::Bad));
    }

    #[test]
    fn what_cannot_be_told_is_left_out() {
        let few = findings(&Facts { loopback: true, ..Facts::default() });
        let checks: Vec<&str> = few.iter().map(|finding| finding.check.as_str()).collect();
        assert_eq!(checks, ["container engine", "127.0.0.1"]);
    }
}
