//! Starting a container, and what "fully privileged" means where the host itself lacks a capability.
//!
//! Docker's `--privileged` asks for every capability the kernel knows and fails with "unable to apply caps" where the
//! engine's own bounding set lacks one. Then the same is asked for piece by piece.

use std::collections::HashMap;

use bollard::{
    Docker,
    models::{DeviceMapping, HostConfig},
    query_parameters::StartContainerOptions,
};
use tokio::sync::OnceCell;

use super::{containers, request::send};
use crate::{ContainerSpec, EngineError, Privileges};

/// What runc answers where the bounding set is cut.
const REFUSAL: &str = "unable to apply caps";

/// Linux' capabilities by number (capability.h); Docker's names lack the `CAP_`.
const CAPABILITIES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// Capabilities that engines before 23.0 do not know by name; a node can do without them.
const UNKNOWN_TO_OLD_ENGINES: [&str; 3] = ["PERFMON", "BPF", "CHECKPOINT_RESTORE"];

/// Creates and starts a container. The first one that wants full privileges finds out, for all, how to ask for them.
pub(super) async fn run(
    docker: &Docker,
    privileged: &OnceCell<bool>,
    spec: &ContainerSpec,
) -> Result<String, EngineError> {
    if spec.privileges == Privileges::Default {
        let host = HostConfig { cap_add: Some(spec.capabilities.clone()), ..HostConfig::default() };
        return start_or_remove(docker, spec, host).await;
    }
    let mut started = None;
    let grants = privileged
        .get_or_try_init(|| async {
            match start_or_remove(docker, spec, all_at_once()).await {
                Ok(id) => {
                    started = Some(id);
                    Ok(true)
                }
                Err(EngineError::Refused { message, .. }) if message.contains(REFUSAL) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await?;
    match (started, grants) {
        (Some(id), _) => Ok(id),
        (None, true) => start_or_remove(docker, spec, all_at_once()).await,
        (None, false) => start_or_remove(docker, spec, piece_by_piece(bounding_set())).await,
    }
}

async fn start_or_remove(docker: &Docker, spec: &ContainerSpec, host: HostConfig) -> Result<String, EngineError> {
    let id = containers::create(docker, spec, host).await?;
    let started = async {
        containers::write_files(docker, &id, &spec.files).await?;
        // By its identifier: its name may be another's by now.
        send("start container", &spec.name, docker.start_container(&id, None::<StartContainerOptions>)).await
    };
    if let Err(error) = started.await {
        if let Err(left) = containers::remove(docker, &id).await {
            tracing::warn!(container = spec.name, error = %left, "could not remove a container that did not start");
        }
        return Err(error);
    }
    Ok(id)
}

fn all_at_once() -> HostConfig {
    HostConfig {
        privileged: Some(true),
        security_opt: Some(vec!["seccomp=unconfined".to_owned(), "apparmor=unconfined".to_owned()]),
        ..HostConfig::default()
    }
}

/// Everything that `--privileged` stands for, as single wishes.
fn piece_by_piece(bounding_set: u64) -> HostConfig {
    let has = |number: usize| bounding_set & (1 << number) != 0;
    let (mut add, mut drop) = (Vec::new(), Vec::new());
    for (number, name) in CAPABILITIES.iter().enumerate() {
        if UNKNOWN_TO_OLD_ENGINES.contains(name) {
            continue;
        }
        if has(number) { add.push((*name).to_owned()) } else { drop.push((*name).to_owned()) }
    }
    let device = |path: &str| DeviceMapping {
        path_on_host: Some(path.to_owned()),
        path_in_container: Some(path.to_owned()),
        cgroup_permissions: Some("rwm".to_owned()),
    };
    // The kubelet reads /dev/kmsg, fuse-overlayfs and user workloads want /dev/fuse.
    let devices = ["/dev/kmsg", "/dev/fuse"].into_iter().filter(|path| std::path::Path::new(path).exists());
    let options = ["seccomp=unconfined", "apparmor=unconfined"].map(str::to_owned).to_vec();
    HostConfig {
        cap_add: Some(add),
        cap_drop: Some(drop),
        security_opt: Some(options),
        // What the command line calls `systempaths=unconfined`: nothing of /proc and /sys is hidden or read-only.
        masked_paths: Some(Vec::new()),
        readonly_paths: Some(Vec::new()),
        device_cgroup_rules: Some(vec!["a *:* rwm".to_owned()]),
        devices: Some(devices.map(device).collect()),
        sysctls: Some(HashMap::new()),
        ..HostConfig::default()
    }
}

/// The capabilities this host can give at all. The engine's process cannot be asked, but on a restricted host ours is
/// restricted in the same way.
fn bounding_set() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_capability_is_dropped_and_the_rest_asked_for_by_name() {
        let host = piece_by_piece(!(1 << 24));
        let (add, drop) = (host.cap_add.unwrap(), host.cap_drop.unwrap());
        assert_eq!(drop, ["SYS_RESOURCE"]);
        assert!(add.contains(&"SYS_ADMIN".to_owned()) && !add.contains(&"SYS_RESOURCE".to_owned()));
        assert_eq!(add.len(), 37);
    }
}
