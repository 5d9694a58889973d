//! What the machine and its engine are, as plain data. What cannot be told is `None`.

use std::{fs, net::TcpListener, path::Path};

use ipnet::IpNet;
use kind_engine::{Engine, EngineError, EngineFacts, ImageFacts, Labels};
use kind_images::machine::Room;
use serde_json::Value;

use crate::{
    provision::{Route, free_range, routes},
    spec::NetworkPools,
};

/// Everything that is judged.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The engine's own facts; `None` where it does not answer.
    pub(super) engine: Option<EngineFacts>,
    /// Where clusters' networks get their ranges from, and one that is free now.
    pub(super) networks: Option<(NetworkPools, Option<IpNet>)>,
    /// The node image that would be used, and the architecture of what the engine has of it.
    pub(super) image: Option<(String, Option<String>)>,
    /// The engine's configuration file.
    pub(super) daemon: Option<Result<Value, String>>,
    /// Kernel settings by name.
    pub(super) settings: Vec<(&'static str, Option<u64>)>,
    /// The kernel's release, such as `6.1.0`.
    pub(super) kernel: Option<String>,
    /// Whether the kernel has the overlay file system.
    pub(super) overlay: Option<bool>,
    /// The controllers of cgroups, v1 or v2.
    pub(super) controllers: Option<Vec<String>>,
    /// What there is of what nodes take.
    pub(super) room: Option<Room>,
    /// Inodes left where the engine keeps its data.
    pub(super) inodes: Option<u64>,
    /// Bytes of memory that are available.
    pub(super) memory: Option<u64>,
    /// Whether a port on 127.0.0.1 can be listened on.
    pub(super) loopback: bool,
    /// Whether this machine is the engine's.
    pub(super) local: bool,
    /// Whether the kernel has namespaces for cgroups.
    pub(super) cgroup_namespaces: Option<bool>,
    /// Where this machine sends packets.
    pub(super) routes: Option<Vec<Route>>,
    /// Whether `SELinux` refuses what it has rules against; `None` where there is no `SELinux`.
    pub(super) selinux: Option<bool>,
    /// How much tests left behind, or why that cannot be told.
    pub(super) left: Option<Result<usize, String>>,
}

/// The kernel settings that are looked at, beside those about inotify.
pub(super) const SETTINGS: [&str; 7] = [
    "kernel.keys.maxkeys",
    "kernel.pid_max",
    "fs.file-max",
    "vm.max_map_count",
    "net.ipv4.neigh.default.gc_thresh3",
    "net.ipv6.neigh.default.gc_thresh3",
    "net.netfilter.nf_conntrack_max",
];

/// The configuration file of an engine that runs as root, where nobody moved it.
const DAEMON: &str = "/etc/docker/daemon.json";

impl Facts {
    /// Looks at the engine where it answers, and at this machine where that is the engine's or none answers. `image` is the
    /// node image that would be used, `pools` where networks get their ranges from.
    ///
    /// # Errors
    /// When the engine stops answering while it is asked.
    pub async fn gather(engine: Option<&dyn Engine>, image: &str, pools: &NetworkPools) -> Result<Self, EngineError> {
        let Some(engine) = engine else { return Ok(Self::of_this_machine()) };
        let found = engine.facts().await?;
        // Another machine's limits cannot be seen from here, and this one's say nothing.
        let mut facts = if found.local { Self::of_this_machine() } else { Self::default() };
        facts.loopback = has_loopback();
        facts.local = found.local;
        facts.room = Room::of(&found);
        facts.inodes = Some(&found.root_dir).filter(|_| found.local).and_then(|folder| inodes(folder));
        let daemon = Some(DAEMON).filter(|_| found.local && !found.rootless).and_then(read);
        facts.daemon = daemon.map(|text| text.parse().map_err(|error: serde_json::Error| error.to_string()));
        let networks = engine.networks(&Labels::new()).await?;
        facts.networks = Some((pools.clone(), free_range(pools, &networks, found.local).await));
        facts.engine = Some(found);
        let architecture = engine.image(image).await?.map(|ImageFacts { architecture, .. }| architecture);
        facts.image = Some((image.to_owned(), architecture));
        Ok(facts)
    }

    fn of_this_machine() -> Self {
        Self {
            settings: SETTINGS.iter().map(|name| (*name, setting(name))).collect(),
            kernel: read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
            overlay: read("/proc/filesystems").map(|text| text.lines().any(|line| line.ends_with("\toverlay"))),
            controllers: controllers(),
            memory: read("/proc/meminfo").and_then(|text| available(&text)),
            cgroup_namespaces: Some(Path::new("/proc/self/ns/cgroup").exists()),
            routes: routes().ok(),
            selinux: read("/sys/fs/selinux/enforce").map(|text| text.trim() == "1"),
            loopback: has_loopback(),
            ..Self::default()
        }
    }

    /// With how much tests left behind, which is for the lease protocol to tell.
    #[must_use]
    pub fn with_left(self, left: Result<usize, String>) -> Self {
        Self { left: Some(left), ..self }
    }

    pub(super) fn setting(&self, name: &str) -> Option<u64> {
        self.settings.iter().find(|(known, _)| *known == name).and_then(|(_, value)| *value)
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// Where the kernel has a setting.
pub(super) fn path_of(name: &str) -> String {
    format!("/proc/sys/{}", name.replace('.', "/"))
}

fn setting(name: &str) -> Option<u64> {
    read(&path_of(name))?.trim().parse().ok()
}

fn controllers() -> Option<Vec<String>> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    if let Some(text) = read("/sys/fs/cgroup/cgroup.controllers") {
        return Some(words(&text));
    }
    let text = read("/proc/cgroups")?;
    let enabled = text.lines().filter(|line| !line.starts_with('#') && line.trim_end().ends_with('1'));
    Some(enabled.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
}

fn inodes(folder: &str) -> Option<u64> {
    nix::sys::statvfs::statvfs(Path::new(folder)).ok().map(|disk| disk.files_available())
}

fn has_loopback() -> bool {
    TcpListener::bind(("127.0.0.1", 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read() {
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:    2048 kB\n"), Some(2 << 20));
        assert_eq!(available("MemTotal: 9 kB\n"), None);
    }

    #[tokio::test]
    async fn this_machine_is_looked_at_where_it_is_the_engines_or_there_is_none() {
        let engine = kind_engine::FakeEngine::default();
        let pools = NetworkPools::default();
        let facts = Facts::gather(None, "node:1", &pools).await.unwrap();
        assert!(facts.kernel.is_some() && facts.memory.is_some() && facts.setting("kernel.pid_max").is_some());
        // The fake engine is not on this machine.
        let facts = Facts::gather(Some(&engine), "node:1", &pools).await.unwrap();
        assert_eq!(facts.image, Some(("node:1".to_owned(), None)));
        assert!(facts.kernel.is_none() && facts.room.is_none() && facts.setting("kernel.pid_max").is_none());
        assert!(matches!(facts.networks, Some((_, Some(_)))), "{:?}", facts.networks);
    }
}
