//! What nodes take of the machine that they run on, and what that machine has left: the one table of it, which bring-up,
//! `doctor` and the workspace's own setup go by.
//!
//! Of this machine where it is the engine's, else of what a container there read. It looks, and changes nothing.

use std::{
    collections::HashSet,
    fmt, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use kind_engine::{EngineFacts, HostReading};

/// What a node takes when it is Ready (`docs/design/hosts.md` says how that is known).
const CONTROL_PLANE: Need = Need { instances: 21, watches: 600, disk: 200 << 20 };
const WORKER: Need = Need { instances: 12, watches: 400, disk: 200 << 20 };
/// What is to stay free on the engine's disk for everybody else.
const DISK_SPARE: u64 = 1 << 30;
/// What the build of a node image takes of the engine's disk beside what is left there of it.
pub const DISK_OF_A_BUILD: u64 = 10 << 30;
/// What the engine's user may have beside nodes, where that cannot be counted: systemd, udev and a few services.
const OTHERS: u64 = 50;

/// The kernel's settings about inotify, with values that are enough for a dozen clusters.
pub const INSTANCES: (&str, u64) = ("fs.inotify.max_user_instances", 1024);
/// The same for watches.
pub const WATCHES: (&str, u64) = ("fs.inotify.max_user_watches", 524_288);

/// What nodes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Instances of inotify.
    pub instances: u64,
    /// Watches of inotify.
    pub watches: u64,
    /// Bytes on the engine's disk, what is to stay free there included.
    pub disk: u64,
}

impl Need {
    /// What so many nodes take.
    pub fn of(control_planes: usize, workers: usize) -> Self {
        let sum = |control_plane: u64, worker: u64| control_plane * control_planes as u64 + worker * workers as u64;
        Self {
            instances: sum(CONTROL_PLANE.instances, WORKER.instances),
            watches: sum(CONTROL_PLANE.watches, WORKER.watches),
            disk: DISK_SPARE + sum(CONTROL_PLANE.disk, WORKER.disk),
        }
    }
}

/// A limit of the kernel for each user, and how much of it the engine's user has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limit {
    /// The limit; `None` where the kernel does not say.
    pub limit: Option<u64>,
    /// What is taken; `None` where this process may not see it.
    pub used: Option<u64>,
}

/// What a machine has for nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Room {
    /// Instances of inotify.
    pub instances: Limit,
    /// Watches of inotify.
    pub watches: Limit,
    /// Bytes left on the engine's disk; `None` where that cannot be told.
    pub disk: Option<u64>,
    /// The engine's folder.
    pub folder: PathBuf,
}

/// Something that nodes take and of which there is too little.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    what: What,
    found: u64,
    needed: u64,
    certainty: Certainty,
}

/// How sure a [`Shortage`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// The nodes cannot all come up.
    Sure,
    /// It depends on what else the engine's user has, which cannot be seen from here.
    Unsure,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Inotify { name: &'static str, setting: &'static str, enough: u64 },
    Disk(PathBuf),
}

impl Room {
    /// What this machine has, where it is the engine's; `None` where it is not.
    pub fn of(engine: &EngineFacts) -> Option<Self> {
        engine.local.then(|| Self::on_this_machine(Path::new(&engine.root_dir)))
    }

    /// What another machine has, as a container there read it: of [`limit_files`] and its disk. What others have taken is
    /// not seen.
    pub fn there(reading: &HostReading, engine: &EngineFacts) -> Self {
        let limit = |setting: &str| Limit {
            limit: reading.file(&file_of(setting)).and_then(|text| text.trim().parse().ok()),
            used: None,
        };
        Self {
            instances: limit(INSTANCES.0),
            watches: limit(WATCHES.0),
            disk: reading.disk.map(|(bytes, _)| bytes),
            folder: PathBuf::from(&engine.root_dir),
        }
    }

    fn on_this_machine(folder: &Path) -> Self {
        let limit = |setting: &str| {
            let text = fs::read_to_string(file_of(setting)).ok()?;
            text.trim().parse::<u64>().ok()
        };
        // The engine's user owns its folder. Nodes are that user's, whoever asks for them.
        let used = fs::metadata(folder).ok().and_then(|folder| in_use(Path::new("/proc"), folder.uid()));
        let disk = nix::sys::statvfs::statvfs(folder).ok();
        Self {
            instances: Limit { limit: limit(INSTANCES.0), used: used.map(|used| used.instances) },
            watches: Limit { limit: limit(WATCHES.0), used: used.map(|used| used.watches) },
            disk: disk.map(|disk| disk.blocks_available() * disk.fragment_size()),
            folder: folder.to_owned(),
        }
    }

    /// What there is too little of for such nodes.
    pub fn shortages(&self, need: Need) -> Vec<Shortage> {
        let inotify = [
            ("inotify instances", INSTANCES, self.instances, need.instances),
            ("inotify watches", WATCHES, self.watches, need.watches),
        ];
        let inotify = inotify.into_iter().filter_map(|(name, (setting, enough), limit, needed)| {
            let what = What::Inotify { name, setting, enough: enough.max(needed.saturating_mul(4)) };
            limit.lacks(needed).map(|(found, certainty)| Shortage { what, found, needed, certainty })
        });
        let disk = self.disk.filter(|left| *left < need.disk).map(|found| Shortage {
            what: What::Disk(self.folder.clone()),
            found,
            needed: need.disk,
            certainty: Certainty::Sure,
        });
        inotify.chain(disk).collect()
    }
}

impl Limit {
    /// What is left; the whole limit where nobody can tell.
    pub fn left(self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(self.used.unwrap_or(0)))
    }

    fn lacks(self, needed: u64) -> Option<(u64, Certainty)> {
        let left = self.left()?;
        if left < needed {
            return Some((left, Certainty::Sure));
        }
        (self.used.is_none() && left < needed + OTHERS).then_some((left, Certainty::Unsure))
    }
}

impl Shortage {
    /// How sure it is.
    pub fn certainty(&self) -> Certainty {
        self.certainty
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, found, needed, certainty } = self;
        match (what, certainty) {
            (What::Disk(folder), _) => {
                let (left, needed, folder) = (found >> 20, needed >> 20, folder.display());
                write!(f, "disk of {folder}: {left} MiB left, {needed} MiB needed; ")?;
                f.write_str("free some (`docker system df` shows what the engine holds)")
            }
            (What::Inotify { name, setting, enough }, Certainty::Sure) => {
                write!(f, "{name}: {found} left for the engine's user, {needed} needed; ")?;
                write!(f, "raise the limit: `sysctl -w {setting}={enough}`")
            }
            (What::Inotify { name, setting, enough }, Certainty::Unsure) => {
                write!(f, "{name}: the limit is {found}, {needed} are needed, and this user cannot see how many the ")?;
                write!(f, "engine's user has taken; if nodes do not come up: `sysctl -w {setting}={enough}`")
            }
        }
    }
}

/// Where the kernel has the limits that [`Room::there`] wants to be read.
pub fn limit_files() -> [String; 2] {
    [file_of(INSTANCES.0), file_of(WATCHES.0)]
}

fn file_of(setting: &str) -> String {
    format!("/proc/sys/{}", setting.replace('.', "/"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct InUse {
    instances: u64,
    watches: u64,
}

/// What a user's processes have of inotify; `None` where this process cannot see all of it.
fn in_use(proc: &Path, user: u32) -> Option<InUse> {
    // Where the first process is hidden, others are, too.
    fs::metadata(proc.join("1")).ok()?;
    let (mut found, mut seen) = (InUse::default(), HashSet::new());
    for process in fs::read_dir(proc).ok()?.flatten() {
        let folder = process.path();
        if !process.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit) || !is_of(&folder, user) {
            continue;
        }
        let descriptors = match fs::read_dir(folder.join("fd")) {
            Ok(descriptors) => descriptors,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return None,
            // It has ended meanwhile.
            Err(_) => continue,
        };
        for descriptor in descriptors.flatten() {
            if !fs::read_link(descriptor.path()).is_ok_and(|to| to == Path::new("anon_inode:inotify")) {
                continue;
            }
            let details = fs::read_to_string(folder.join("fdinfo").join(descriptor.file_name())).unwrap_or_default();
            let watches: Vec<&str> = details.lines().filter(|line| line.starts_with("inotify ")).collect();
            // All instances share one inode. What a process has inherited or duplicated watches the same.
            if watches.is_empty() || seen.insert(watches.concat()) {
                found.instances += 1;
                found.watches += watches.len() as u64;
            }
        }
    }
    Some(found)
}

fn is_of(process: &Path, user: u32) -> bool {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    // Real, effective, saved, file system: the kernel counts for the second.
    users.and_then(|users| users.split_whitespace().nth(1)).and_then(|user| user.parse().ok()) == Some(user)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn room(limit: u64, used: Option<u64>) -> Room {
        let limit = Limit { limit: Some(limit), used };
        Room { instances: limit, ..Room::default() }
    }

    #[test]
    fn the_usual_cluster_fits_where_128_instances_are_left() {
        let usual = Need::of(3, 1);
        assert_eq!(usual.instances, 75);
        assert_eq!(room(128, Some(50)).shortages(usual), []);
        let short = room(128, Some(60)).shortages(usual);
        let text = short[0].to_string();
        assert_eq!(short[0].certainty(), Certainty::Sure);
        assert!(text.contains("68 left") && text.contains("75 needed"), "{text}");
        assert!(text.contains("sysctl -w fs.inotify.max_user_instances=1024"), "{text}");
    }

    #[test]
    fn what_cannot_be_seen_is_no_refusal_unless_the_limit_itself_is_too_low() {
        let usual = Need::of(3, 1);
        assert_eq!(room(128, None).shortages(usual), []);
        assert_eq!(room(100, None).shortages(usual)[0].certainty(), Certainty::Unsure);
        assert_eq!(room(70, None).shortages(usual)[0].certainty(), Certainty::Sure);
        assert_eq!(Room::default().shortages(Need::of(200, 0)), []);
    }

    #[test]
    fn few_watches_and_a_full_disk_are_named() {
        let watches = Limit { limit: Some(500), used: Some(400) };
        let room = Room { watches, disk: Some(5 << 20), folder: "/var/lib/docker".into(), ..Room::default() };
        let text: Vec<String> = room.shortages(Need::of(1, 0)).iter().map(ToString::to_string).collect();
        assert!(
            text[0].contains("inotify watches: 100 left") && text[0].contains("max_user_watches=524288"),
            "{text:?}"
        );
        assert!(text[1].contains("/var/lib/docker: 5 MiB left, 1224 MiB needed"), "{text:?}");
    }

    /// A process of a `/proc` for tests, with descriptors that are inotify instances with these watches.
    fn process(proc: &Path, id: &str, user: u32, instances: &[&str]) {
        let folder = proc.join(id);
        fs::create_dir_all(folder.join("fd")).unwrap();
        fs::create_dir_all(folder.join("fdinfo")).unwrap();
        fs::write(folder.join("status"), format!("Name:\tx\nUid:\t0\t{user}\t0\t0\n")).unwrap();
        for (number, watches) in instances.iter().enumerate() {
            symlink("anon_inode:inotify", folder.join(format!("fd/{number}"))).unwrap();
            fs::write(folder.join(format!("fdinfo/{number}")), format!("pos:\t0\n{watches}")).unwrap();
        }
    }

    #[test]
    fn a_users_instances_are_counted_and_each_once() {
        let proc = tempfile::tempdir().unwrap();
        let two = "inotify wd:1 ino:3 sdev:1 mask:2\ninotify wd:2 ino:4 sdev:1 mask:2\n";
        process(proc.path(), "1", 0, &[two, two]);
        process(proc.path(), "20", 0, &[two, "inotify wd:1 ino:9 sdev:1 mask:2\n", "", ""]);
        process(proc.path(), "30", 1000, &["inotify wd:1 ino:5 sdev:1 mask:2\n"]);
        assert_eq!(in_use(proc.path(), 0), Some(InUse { instances: 4, watches: 3 }));
        assert_eq!(in_use(proc.path(), 1000), Some(InUse { instances: 1, watches: 1 }));
        assert_eq!(in_use(&proc.path().join("nothing"), 0), None);
    }

    #[test]
    fn instances_of_this_process_are_seen() {
        let user = nix::unistd::geteuid().as_raw();
        let held = nix::sys::inotify::Inotify::init(nix::sys::inotify::InitFlags::empty()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        held.add_watch(folder.path(), nix::sys::inotify::AddWatchFlags::IN_CREATE).unwrap();
        // Another process of this user may be hidden from it, as where this user is another container's, too.
        if let Some(used) = in_use(Path::new("/proc"), user) {
            assert!(used.instances >= 1 && used.watches >= 1, "{used:?}");
        }
    }
}
