//! What the machine and its engine are, as plain data. What cannot be told is `None`.

use std::{fs, net::TcpListener, path::Path};

use ipnet::IpNet;
use kind_engine::{Engine, EngineError, EngineFacts, HostReading, ImageFacts, Labels, read_host};
use kind_images::machine::{Room, limit_files};
use serde_json::Value;

use crate::{
    causes::chain,
    provision::{Route, free_range, routes},
    spec::{LABEL_MANAGED, NetworkPools},
};

/// Everything that is judged.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The engine's own facts; `None` where there is none to ask.
    pub(super) engine: Option<EngineFacts>,
    /// Why there is none to ask.
    pub(super) no_engine: Option<String>,
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

/// Files of the kernel's that are looked at beside the settings.
const KERNEL: &str = "/proc/sys/kernel/osrelease";
const FILE_SYSTEMS: &str = "/proc/filesystems";
const MEMORY: &str = "/proc/meminfo";
const CONTROLLERS: [&str; 2] = ["/sys/fs/cgroup/cgroup.controllers", "/proc/cgroups"];

/// The machine that is judged: the engine's.
enum Machine {
    /// This one.
    Here,
    /// Another one, or this one from within a container; `None` where nothing there can read it.
    Elsewhere(Option<HostReading>),
}

impl Machine {
    fn read(&self, path: &str) -> Option<String> {
        match self {
            Self::Here => fs::read_to_string(path).ok(),
            Self::Elsewhere(reading) => reading.as_ref()?.file(path).map(str::to_owned),
        }
    }

    fn setting(&self, name: &str) -> Option<u64> {
        self.read(&path_of(name))?.trim().parse().ok()
    }

    fn controllers(&self) -> Option<Vec<String>> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let [unified, legacy] = CONTROLLERS;
        if let Some(text) = self.read(unified) {
            return Some(words(&text));
        }
        let text = self.read(legacy)?;
        let enabled = text.lines().filter(|line| !line.starts_with('#') && line.trim_end().ends_with('1'));
        Some(enabled.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
    }
}

impl Facts {
    /// Looks at the engine, where there is one, and at its machine, which is this one where nothing else is known. `image` is
    /// the node image that would be used; on another machine a container of it looks. `pools` is where networks get their
    /// ranges from.
    ///
    /// # Errors
    /// When the engine stops answering while it is asked.
    pub async fn gather(
        engine: Result<&dyn Engine, &EngineError>,
        image: &str,
        pools: &NetworkPools,
    ) -> Result<Self, EngineError> {
        let mut facts = Self {
            loopback: TcpListener::bind(("127.0.0.1", 0)).is_ok(),
            no_engine: engine.err().map(|error| chain(error)),
            ..Self::default()
        };
        let mut machine = Machine::Here;
        if let Ok(engine) = engine {
            let found = engine.facts().await?;
            let networks = engine.networks(&Labels::new()).await?;
            facts.networks = Some((pools.clone(), free_range(pools, &networks, found.local).await));
            let architecture = engine.image(image).await?.map(|ImageFacts { architecture, .. }| architecture);
            if !found.local {
                let reading = if architecture.is_some() { reading(engine, image).await } else { None };
                machine = Machine::Elsewhere(reading);
            }
            facts.image = Some((image.to_owned(), architecture));
            facts.engine = Some(found);
        }
        facts.look(&machine);
        Ok(facts)
    }

    fn look(&mut self, machine: &Machine) {
        self.settings = SETTINGS.iter().map(|name| (*name, machine.setting(name))).collect();
        self.kernel = machine.read(KERNEL).map(|text| text.trim().to_owned());
        self.overlay = machine.read(FILE_SYSTEMS).map(|text| text.lines().any(|line| line.ends_with("\toverlay")));
        self.controllers = machine.controllers();
        self.memory = machine.read(MEMORY).and_then(|text| available(&text));
        match machine {
            Machine::Elsewhere(Some(reading)) => {
                self.room = self.engine.as_ref().map(|engine| Room::there(reading, engine));
                self.inodes = reading.disk.map(|(_, inodes)| inodes);
            }
            Machine::Elsewhere(None) => {}
            Machine::Here => {
                self.cgroup_namespaces = Some(Path::new("/proc/self/ns/cgroup").exists());
                self.selinux = machine.read("/sys/fs/selinux/enforce").map(|text| text.trim() == "1");
                self.routes = routes().ok();
                let Some(engine) = &self.engine else { return };
                self.local = true;
                self.room = Room::of(engine);
                self.inodes = inodes(&engine.root_dir);
                let daemon = Some(DAEMON).filter(|_| !engine.rootless).and_then(|path| machine.read(path));
                self.daemon = daemon.map(|text| text.parse().map_err(|error: serde_json::Error| error.to_string()));
            }
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

/// What a container there reads. Where it cannot, nothing is judged that cannot be seen.
async fn reading(engine: &dyn Engine, image: &str) -> Option<HostReading> {
    let settings: Vec<String> = SETTINGS.iter().map(|name| path_of(name)).chain(limit_files()).collect();
    let mut paths = vec![KERNEL, FILE_SYSTEMS, MEMORY];
    paths.extend(CONTROLLERS);
    paths.extend(settings.iter().map(String::as_str));
    let labels = Labels::from([(LABEL_MANAGED.to_owned(), "1".to_owned())]);
    let name = format!("kind-rs-probe-{}", std::process::id());
    match read_host(engine, image, &name, &labels, &paths).await {
        Ok(reading) => Some(reading),
        Err(error) => {
            tracing::warn!("the engine's machine cannot be looked at: {}", chain(&error));
            None
        }
    }
}

/// Where the kernel has a setting.
pub(super) fn path_of(name: &str) -> String {
    format!("/proc/sys/{}", name.replace('.', "/"))
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
}

fn inodes(folder: &str) -> Option<u64> {
    nix::sys::statvfs::statvfs(Path::new(folder)).ok().map(|disk| disk.files_available())
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
    async fn without_an_engine_this_machine_is_looked_at() {
        let missing = EngineError::TooOld { found: "1.0".to_owned() };
        let facts = Facts::gather(Err(&missing), "node:1", &NetworkPools::default()).await.unwrap();
        assert!(facts.kernel.is_some() && facts.memory.is_some() && facts.setting("kernel.pid_max").is_some());
        assert!(facts.no_engine.unwrap().contains("1.0") && !facts.local);
    }

    #[tokio::test]
    async fn another_machine_is_looked_at_by_a_container_there() {
        let engine = kind_engine::FakeEngine::default();
        let pools = NetworkPools::default();
        let facts = Facts::gather(Ok(&engine), "node:1", &pools).await.unwrap();
        // Without an image there is nobody to look, and this machine's figures are not that one's.
        assert_eq!((facts.setting("kernel.pid_max"), facts.kernel, facts.memory), (None, None, None));
        assert!(facts.room.is_none() && matches!(facts.networks, Some((_, Some(_)))), "{:?}", facts.networks);
        engine.add_image("node:1", &[]);
        let says = "\u{1e}/proc/sys/kernel/osrelease\n6.1-there\n\u{1e}disk\n10 4096 7\n\
            \u{1e}/proc/sys/fs/inotify/max_user_instances\n128\n";
        engine.when("exec kind-rs-probe", kind_engine::Outcome::Print(says.to_owned()));
        let facts = Facts::gather(Ok(&engine), "node:1", &pools).await.unwrap();
        assert_eq!((facts.kernel.as_deref(), facts.inodes), (Some("6.1-there"), Some(7)));
        let room = facts.room.unwrap();
        assert_eq!((room.disk, room.instances.limit, room.instances.used), (Some(40960), Some(128), None));
        assert!(engine.left().is_empty());
    }
}
