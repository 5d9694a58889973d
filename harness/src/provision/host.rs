//! What the host must have left before a cluster is started on it: inotify instances and disk.
//!
//! Only asked where the engine runs on this machine; another machine's limits cannot be read from here.

use std::{fs, path::Path};

use super::steps::StepError;

/// Inotify instances that one node takes, with room for a few pods (measured: 21 on a control plane, 12 on a worker).
const INSTANCES_PER_NODE: u64 = 30;
/// What `doctor`s of all such tools recommend (kind's known issues).
const RECOMMENDED_INSTANCES: u64 = 1024;
/// Bytes that a node writes while it comes up, most of it etcd's log; and some to spare for everybody.
const DISK_PER_NODE: u64 = 200 << 20;
const DISK_SPARE: u64 = 1 << 30;

/// What is left on the host; `None` where it cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Left {
    instances: Option<u64>,
    disk: Option<u64>,
}

impl Left {
    /// Looks at this machine. `engine_root` is the engine's folder.
    pub(super) fn on_this_machine(engine_root: &str) -> Self {
        let limit = fs::read_to_string("/proc/sys/fs/inotify/max_user_instances").ok();
        let limit = limit.and_then(|text| text.trim().parse::<u64>().ok());
        let disk = nix::sys::statvfs::statvfs(engine_root).ok();
        Self {
            instances: limit.map(|limit| limit.saturating_sub(instances_in_use())),
            disk: disk.map(|disk| disk.blocks_available() * disk.fragment_size()),
        }
    }

    /// Whether `nodes` nodes fit.
    pub(super) fn check(self, nodes: usize, engine_root: &str) -> Result<(), StepError> {
        let nodes = nodes as u64;
        if let Some(left) = self.instances
            && left < nodes * INSTANCES_PER_NODE
        {
            let needed = nodes * INSTANCES_PER_NODE;
            return Err(StepError::Inotify { left, needed, recommended: RECOMMENDED_INSTANCES.max(needed * 4) });
        }
        let needed = DISK_SPARE + nodes * DISK_PER_NODE;
        match self.disk {
            Some(left) if left < needed => {
                Err(StepError::Disk { folder: engine_root.to_owned(), left: left >> 20, needed: needed >> 20 })
            }
            _ => Ok(()),
        }
    }
}

/// The instances that this user's processes (root's: all containers') hold, as far as this process may see.
fn instances_in_use() -> u64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let folders = processes.map(|process| process.path().join("fd"));
    let descriptors = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    descriptors
        .filter(|entry| fs::read_link(entry.path()).is_ok_and(|to| to == Path::new("anon_inode:inotify")))
        .count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_command_that_helps() {
        let left = Left { instances: Some(100), disk: None };
        let text = left.check(4, "/x").unwrap_err().to_string();
        assert!(text.contains("100 left") && text.contains("sysctl -w fs.inotify.max_user_instances=1024"), "{text}");
    }

    #[test]
    fn a_full_disk_is_named() {
        let left = Left { instances: None, disk: Some(5 << 20) };
        let text = left.check(1, "/var/lib/docker").unwrap_err().to_string();
        assert!(text.contains("/var/lib/docker") && text.contains("5 MiB left"), "{text}");
    }

    #[test]
    fn what_cannot_be_told_is_no_obstacle() {
        assert!(Left::default().check(100, "/x").is_ok());
    }

    #[test]
    fn instances_of_this_process_are_seen() {
        let before = instances_in_use();
        let _held = nix::sys::inotify::Inotify::init(nix::sys::inotify::InitFlags::empty()).unwrap();
        // Other processes come and go, but not this one's.
        assert!(instances_in_use() >= 1, "{before} before");
    }
}
