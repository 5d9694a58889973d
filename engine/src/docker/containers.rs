//! Requests about containers, except running commands in them.

use std::{collections::HashMap, net::IpAddr, path::Path};

use bollard::{
    Docker,
    models::{
        ContainerCreateBody, ContainerInspectResponse, ContainerSummary, EndpointIpamConfig, EndpointSettings,
        HostConfig, HostConfigCgroupnsModeEnum, Mount as ApiMount, MountPoint, MountType, MountVolumeOptions,
        NetworkingConfig, PortBinding, PortSummaryTypeEnum, RestartPolicy as ApiRestartPolicy, RestartPolicyNameEnum,
    },
    query_parameters::{
        CreateContainerOptions, DownloadFromContainerOptions, KillContainerOptions, ListContainersOptions, LogsOptions,
        RemoveContainerOptions, StartContainerOptions, StopContainerOptions, UploadToContainerOptions,
    },
};
use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use super::{
    images::file_stream,
    request::{label_filter, optional, send, translate},
};
use crate::{
    Attachment, ContainerFacts, ContainerSpec, EngineError, Labels, MountKind, NodeFile, PortMapping, Privileges,
    Propagation, Protocol, RestartPolicy, error::CREATE_CONTAINER, files::tar_of,
};

/// Creates the container; `host` holds what its privileges ask for.
pub(super) async fn create(docker: &Docker, spec: &ContainerSpec, host: HostConfig) -> Result<String, EngineError> {
    let options = CreateContainerOptions { name: Some(spec.name.clone()), ..CreateContainerOptions::default() };
    let body = body(spec, host);
    Ok(send(CREATE_CONTAINER, &spec.name, docker.create_container(Some(options), body)).await?.id)
}

fn body(spec: &ContainerSpec, host: HostConfig) -> ContainerCreateBody {
    let endpoint = EndpointSettings {
        aliases: (!spec.aliases.is_empty()).then(|| spec.aliases.clone()),
        ipam_config: spec.address.map(|address| match address {
            IpAddr::V4(v4) => {
                EndpointIpamConfig { ipv4_address: Some(v4.to_string()), ..EndpointIpamConfig::default() }
            }
            IpAddr::V6(v6) => {
                EndpointIpamConfig { ipv6_address: Some(v6.to_string()), ..EndpointIpamConfig::default() }
            }
        }),
        ..EndpointSettings::default()
    };
    let named = !spec.network.is_empty();
    let list = |values: &[String]| (!values.is_empty()).then(|| values.to_vec());
    ContainerCreateBody {
        hostname: (!spec.hostname.is_empty()).then(|| spec.hostname.clone()),
        image: Some(spec.image.clone()),
        entrypoint: list(&spec.entrypoint),
        cmd: list(&spec.arguments),
        env: Some(spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        labels: Some(spec.labels.clone().into_iter().collect()),
        // systemd prints its progress only where there is a terminal.
        tty: Some(spec.privileges == Privileges::Full),
        exposed_ports: Some(spec.ports.iter().map(port_key).collect()),
        networking_config: named
            .then(|| NetworkingConfig { endpoints_config: Some(HashMap::from([(spec.network.clone(), endpoint)])) }),
        host_config: Some(host_config(spec, host)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(spec: &ContainerSpec, host: HostConfig) -> HostConfig {
    let mut ports: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
    for port in &spec.ports {
        let binding = PortBinding {
            host_ip: Some(port.listen_address.to_string()),
            host_port: Some(port.host_port.map(|number| number.to_string()).unwrap_or_default()),
        };
        ports.entry(port_key(port)).or_default().get_or_insert_default().push(binding);
    }
    let volume = |target: &str| ApiMount {
        target: Some(target.to_owned()),
        typ: Some(MountType::VOLUME),
        volume_options: Some(MountVolumeOptions {
            labels: Some(spec.labels.clone().into_iter().collect()),
            ..MountVolumeOptions::default()
        }),
        ..ApiMount::default()
    };
    let kinds = || spec.mounts.iter().map(|mount| (&mount.target, &mount.kind));
    let volumes =
        kinds().filter(|(_, kind)| matches!(kind, MountKind::AnonymousVolume)).map(|(target, _)| volume(target));
    let tmpfs = kinds().filter_map(|(target, kind)| match kind {
        MountKind::Tmpfs { options } => Some((target.clone(), options.clone())),
        _ => None,
    });
    let (restart, retries) = match spec.restart {
        RestartPolicy::No => (RestartPolicyNameEnum::NO, None),
        RestartPolicy::OnFailure(times) => (RestartPolicyNameEnum::ON_FAILURE, Some(i64::from(times))),
        RestartPolicy::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
    };
    HostConfig {
        binds: Some(kinds().filter_map(|(target, kind)| bind(target, kind)).collect()),
        mounts: Some(volumes.collect()),
        tmpfs: Some(tmpfs.collect()),
        volumes_from: (!spec.volumes_of.is_empty()).then(|| vec![format!("{}:ro", spec.volumes_of)]),
        port_bindings: Some(ports),
        network_mode: (!spec.network.is_empty()).then(|| spec.network.clone()),
        restart_policy: Some(ApiRestartPolicy { name: Some(restart), maximum_retry_count: retries }),
        memory: spec.memory.and_then(|bytes| i64::try_from(bytes).ok()),
        nano_cpus: spec.nano_cpus.and_then(|cpus| i64::try_from(cpus).ok()),
        sysctls: Some(spec.sysctls.clone().into_iter().collect()),
        // The node's init is systemd; an engine-wide `"init": true` would take its place.
        init: Some(false),
        cgroupns_mode: (spec.privileges == Privileges::Full).then_some(HostConfigCgroupnsModeEnum::PRIVATE),
        pid_mode: spec.host_processes.then(|| "host".to_owned()),
        auto_remove: spec.remove_at_end.then_some(true),
        userns_mode: spec.host_userns.then(|| "host".to_owned()),
        ..host
    }
}

fn bind(target: &str, kind: &MountKind) -> Option<String> {
    let MountKind::Host { path, read_only, selinux_relabel, propagation } = kind else { return None };
    let mut options = vec![if *read_only { "ro" } else { "rw" }];
    if *selinux_relabel {
        options.push("Z");
    }
    match propagation {
        Propagation::None => {}
        Propagation::HostToContainer => options.push("rslave"),
        Propagation::Bidirectional => options.push("rshared"),
    }
    Some(format!("{path}:{target}:{}", options.join(",")))
}

fn port_key(port: &PortMapping) -> String {
    let protocol = match port.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    };
    format!("{}/{protocol}", port.container_port)
}

pub(super) async fn start(docker: &Docker, name: &str) -> Result<(), EngineError> {
    send("start container", name, docker.start_container(name, None::<StartContainerOptions>)).await
}

pub(super) async fn stop(docker: &Docker, name: &str, grace_seconds: i32) -> Result<(), EngineError> {
    let options = StopContainerOptions { t: Some(grace_seconds), ..StopContainerOptions::default() };
    send("stop container", name, docker.stop_container(name, Some(options))).await
}

pub(super) async fn signal(docker: &Docker, name: &str, signal: &str) -> Result<(), EngineError> {
    let options = KillContainerOptions { signal: signal.to_owned() };
    send("signal container", name, docker.kill_container(name, Some(options))).await
}

pub(super) async fn pause(docker: &Docker, name: &str) -> Result<(), EngineError> {
    send("pause container", name, docker.pause_container(name)).await
}

pub(super) async fn unpause(docker: &Docker, name: &str) -> Result<(), EngineError> {
    send("unpause container", name, docker.unpause_container(name)).await
}

pub(super) async fn remove(docker: &Docker, name: &str) -> Result<(), EngineError> {
    let options = RemoveContainerOptions { force: true, v: true, link: false };
    let removed = send("remove container", name, docker.remove_container(name, Some(options))).await;
    match optional(removed) {
        // Somebody else removes it at this moment.
        Err(error) if error.is_conflict() => Ok(()),
        other => other.map(|_| ()),
    }
}

pub(super) async fn inspect(docker: &Docker, name: &str) -> Result<Option<ContainerFacts>, EngineError> {
    let answer = send("inspect container", name, docker.inspect_container(name, None)).await;
    Ok(optional(answer)?.map(facts_of_inspect))
}

pub(super) async fn describe(docker: &Docker, name: &str) -> Result<Option<String>, EngineError> {
    let answer = send("inspect container", name, docker.inspect_container(name, None)).await;
    Ok(optional(answer)?.map(|found| super::request::pretty(&found)))
}

fn facts_of_inspect(found: ContainerInspectResponse) -> ContainerFacts {
    let config = found.config.unwrap_or_default();
    let state = found.state.unwrap_or_default();
    let network = found.network_settings.unwrap_or_default();
    let mut ports = Vec::new();
    for (key, bindings) in network.ports.unwrap_or_default() {
        let Some(inside) = key.strip_suffix("/tcp").and_then(|port| port.parse().ok()) else { continue };
        for binding in bindings.unwrap_or_default() {
            let outside = binding.host_port.and_then(|port| port.parse().ok());
            if let Some(outside) = outside {
                ports.push((inside, binding.host_ip.unwrap_or_default(), outside));
            }
        }
    }
    ContainerFacts {
        id: found.id.unwrap_or_default(),
        name: found.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        image: config.image.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        state: state.status.map(|status| status.to_string()).unwrap_or_default(),
        started: state.started_at.unwrap_or_default(),
        exit_code: state.exit_code,
        ports,
        address: first_address(network.networks.as_ref()),
        networks: attachments(network.networks),
        created: 0,
        volumes: volumes(found.mounts),
    }
}

fn volumes(mounts: Option<Vec<MountPoint>>) -> Vec<String> {
    mounts.unwrap_or_default().into_iter().filter_map(|mount| mount.name).collect()
}

fn attachments(networks: Option<HashMap<String, EndpointSettings>>) -> Vec<Attachment> {
    let named = networks.unwrap_or_default().into_iter();
    named.map(|(name, endpoint)| Attachment { name, id: endpoint.network_id.unwrap_or_default() }).collect()
}

fn first_address(networks: Option<&HashMap<String, EndpointSettings>>) -> Option<IpAddr> {
    networks?.values().find_map(|endpoint| endpoint.ip_address.as_ref()?.parse().ok())
}

pub(super) async fn list(docker: &Docker, labels: &Labels) -> Result<Vec<ContainerFacts>, EngineError> {
    let options =
        ListContainersOptions { all: true, filters: Some(label_filter(labels)), ..ListContainersOptions::default() };
    let found = send("list", "containers", docker.list_containers(Some(options))).await?;
    Ok(found.into_iter().map(facts_of_summary).collect())
}

fn facts_of_summary(found: ContainerSummary) -> ContainerFacts {
    let name = found.names.unwrap_or_default().into_iter().next().unwrap_or_default();
    let ports = found
        .ports
        .unwrap_or_default()
        .into_iter()
        .filter(|port| port.typ.is_none_or(|protocol| protocol == PortSummaryTypeEnum::TCP))
        .filter_map(|port| Some((port.private_port, port.ip.unwrap_or_default(), port.public_port?)));
    let networks = found.network_settings.and_then(|settings| settings.networks);
    ContainerFacts {
        id: found.id.unwrap_or_default(),
        name: name.trim_start_matches('/').to_owned(),
        image: found.image.unwrap_or_default(),
        labels: found.labels.unwrap_or_default().into_iter().collect(),
        state: found.state.map(|state| state.to_string()).unwrap_or_default(),
        started: String::new(),
        exit_code: None,
        ports: ports.collect(),
        address: first_address(networks.as_ref()),
        networks: attachments(networks),
        created: found.created.unwrap_or_default(),
        volumes: volumes(found.mounts),
    }
}

pub(super) async fn logs(docker: &Docker, name: &str, lines: usize) -> Result<String, EngineError> {
    let options = LogsOptions { stdout: true, stderr: true, tail: lines.to_string(), ..LogsOptions::default() };
    let mut parts = docker.logs(name, Some(options));
    let mut text = Vec::new();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| translate("read the log of container", name, error))?;
        text.extend_from_slice(&part.into_bytes());
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

pub(super) async fn write_files(docker: &Docker, name: &str, files: &[NodeFile]) -> Result<(), EngineError> {
    if files.is_empty() {
        return Ok(());
    }
    let tar = tar_of(files).map_err(|source| EngineError::File {
        action: "pack files for",
        path: Path::new(name).to_owned(),
        source,
    })?;
    let options = UploadToContainerOptions { path: "/".to_owned(), ..UploadToContainerOptions::default() };
    let body = bollard::body_full(tar.into());
    send("write files into container", name, docker.upload_to_container(name, Some(options), body)).await
}

pub(super) async fn upload(docker: &Docker, name: &str, folder: &str, tar: &Path) -> Result<(), EngineError> {
    let options = UploadToContainerOptions { path: folder.to_owned(), ..UploadToContainerOptions::default() };
    let body = bollard::body_try_stream(file_stream(tar).await?);
    docker
        .upload_to_container(name, Some(options), body)
        .await
        .map_err(|error| translate("unpack files in container", name, error))
}

pub(super) async fn download(docker: &Docker, name: &str, path: &str, tar: &Path) -> Result<(), EngineError> {
    let file_error = |source| EngineError::File { action: "write", path: tar.to_owned(), source };
    let mut file = tokio::fs::File::create(tar).await.map_err(file_error)?;
    let options = DownloadFromContainerOptions { path: path.to_owned() };
    let mut parts = docker.download_from_container(name, Some(options));
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| translate("pack files of container", name, error))?;
        file.write_all(&part).await.map_err(file_error)?;
    }
    file.flush().await.map_err(file_error)
}

#[cfg(test)]
mod tests {
    use bollard::models::PortSummary;

    use super::*;
    use crate::Mount;

    #[test]
    fn ports_of_other_protocols_are_no_tcp_ports() {
        let port = |typ, private_port| PortSummary {
            typ: Some(typ),
            private_port,
            public_port: Some(private_port + 1),
            ip: Some("127.0.0.1".to_owned()),
        };
        let ports = [port(PortSummaryTypeEnum::UDP, 53), port(PortSummaryTypeEnum::TCP, 6443)];
        let found = facts_of_summary(ContainerSummary { ports: Some(ports.to_vec()), ..ContainerSummary::default() });
        assert_eq!(found.ports, [(6443, "127.0.0.1".to_owned(), 6444)]);
    }

    #[test]
    fn a_node_is_root_of_its_machine_also_where_the_engine_remaps() {
        let mode = |host_userns| {
            let spec = ContainerSpec { host_userns, ..ContainerSpec::default() };
            host_config(&spec, HostConfig::default()).userns_mode
        };
        assert_eq!((mode(true).as_deref(), mode(false)), (Some("host"), None));
    }

    #[test]
    fn a_volume_without_a_name_says_whose_it_is() {
        let spec = ContainerSpec {
            labels: [("of".to_owned(), "demo".to_owned())].into(),
            mounts: vec![Mount { target: "/var".to_owned(), kind: MountKind::AnonymousVolume }],
            ..ContainerSpec::default()
        };
        let mounts = host_config(&spec, HostConfig::default()).mounts.unwrap();
        let labels = mounts[0].volume_options.clone().unwrap().labels.unwrap();
        assert_eq!(labels.get("of").map(String::as_str), Some("demo"));
    }
}
