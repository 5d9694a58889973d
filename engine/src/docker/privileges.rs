//! Starting a container, and what "fully privileged" means where the host itself lacks a capability.
//!
//! Docker's `--privileged` asks for every capability the kernel knows and fails with "unable to apply caps" where the
//! engine's own bounding set lacks one. Then the same is asked for piece by piece.

use std::{collections::HashMap, path::Path};

use bollard::{
    Docker,
    models::{DeviceMapping, HostConfig},
    query_parameters::StartContainerOptions,
};
use tokio::sync::Semaphore;

use super::{DockerEngine, containers, exec, facts, request::send};
use crate::{
    ContainerSpec, EngineAddress, EngineError, Privileges,
    host::{bounding_set, parse, probe, question},
};

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

/// The kubelet reads /dev/kmsg; fuse-overlayfs and user workloads want /dev/fuse.
const DEVICES: [&str; 2] = ["/dev/kmsg", "/dev/fuse"];

/// How an engine gives full privileges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Grants {
    /// At once, with `--privileged`.
    AtOnce,
    /// By name: of these capabilities and devices as many as its machine has.
    ByName {
        /// A bit for each capability.
        bounding_set: u64,
        /// Their paths.
        devices: Vec<&'static str>,
    },
}

/// Creates and starts a container. The first one that wants full privileges finds out, for all, how to ask for them.
pub(super) async fn run(engine: &DockerEngine, spec: &ContainerSpec) -> Result<String, EngineError> {
    let docker = &engine.docker;
    if spec.privileges == Privileges::Default {
        let host = HostConfig { cap_add: Some(spec.capabilities.clone()), ..HostConfig::default() };
        return start_or_remove(docker, spec, host).await;
    }
    let mut started = None;
    let grants = engine
        .privileged
        .get_or_try_init(|| async {
            match start_or_remove(docker, spec, all_at_once()).await {
                Ok(id) => {
                    started = Some(id);
                    Ok(Grants::AtOnce)
                }
                Err(EngineError::Refused { message, .. }) if message.contains(REFUSAL) => by_name(engine, spec).await,
                Err(error) => Err(error),
            }
        })
        .await?;
    match (started, grants) {
        (Some(id), _) => Ok(id),
        (None, Grants::AtOnce) => start_or_remove(docker, spec, all_at_once()).await,
        (None, Grants::ByName { bounding_set, devices }) => {
            start_or_remove(docker, spec, piece_by_piece(*bounding_set, devices)).await
        }
    }
}

/// What the engine's machine has to give. On this machine the engine's own process shows it; elsewhere a container of the
/// image that is wanted anyway looks. This process' own capabilities say nothing: it may be a container itself.
async fn by_name(engine: &DockerEngine, spec: &ContainerSpec) -> Result<Grants, EngineError> {
    if facts::facts(&engine.docker, &engine.address).await?.local
        && let Some(bounding_set) = of_listener(&engine.address).await
    {
        let devices = DEVICES.into_iter().filter(|path| Path::new(path).exists()).collect();
        return Ok(Grants::ByName { bounding_set, devices });
    }
    // Not through `run_container`: whoever starts containers now waits for this, and none of them may be waited for.
    let probe = probe(&spec.image, &format!("{}-probe", spec.name), &spec.labels);
    let id = start_or_remove(&engine.docker, &probe, HostConfig::default()).await?;
    let read = exec::run(&engine.docker, &Semaphore::const_new(1), &id, &question(&[]), exec::Input::Bytes(None)).await;
    let removed = containers::remove(&engine.docker, &id).await;
    let reading = parse(&read?);
    removed?;
    let is_there = |path: &&str| path.strip_prefix("/dev/").is_some_and(|name| reading.devices.contains(name));
    Ok(Grants::ByName {
        bounding_set: reading.bounding_set.unwrap_or(u64::MAX),
        devices: DEVICES.into_iter().filter(is_there).collect(),
    })
}

/// The bounding set of the process that listens on the engine's socket, where this process sees it.
async fn of_listener(address: &EngineAddress) -> Option<u64> {
    let process = facts::listener(address).await?;
    bounding_set(&std::fs::read_to_string(format!("/proc/{process}/status")).ok()?)
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
fn piece_by_piece(bounding_set: u64, devices: &[&str]) -> HostConfig {
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
    let options = ["seccomp=unconfined", "apparmor=unconfined"].map(str::to_owned).to_vec();
    HostConfig {
        cap_add: Some(add),
        cap_drop: Some(drop),
        security_opt: Some(options),
        // What the command line calls `systempaths=unconfined`: nothing of /proc and /sys is hidden or read-only.
        masked_paths: Some(Vec::new()),
        readonly_paths: Some(Vec::new()),
        device_cgroup_rules: Some(vec!["a *:* rwm".to_owned()]),
        devices: Some(devices.iter().copied().map(device).collect()),
        sysctls: Some(HashMap::new()),
        ..HostConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_capability_is_dropped_and_the_rest_asked_for_by_name() {
        let host = piece_by_piece(!(1 << 24), &["/dev/kmsg"]);
        let (add, drop) = (host.cap_add.unwrap(), host.cap_drop.unwrap());
        assert_eq!(drop, ["SYS_RESOURCE"]);
        assert!(add.contains(&"SYS_ADMIN".to_owned()) && !add.contains(&"SYS_RESOURCE".to_owned()));
        assert_eq!(add.len(), 37);
        assert_eq!(host.devices.unwrap()[0].path_on_host.as_deref(), Some("/dev/kmsg"));
    }
}
