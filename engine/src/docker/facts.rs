//! What the engine says of itself and its machine, and whether that machine is this one.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use bollard::{
    Docker,
    models::{SystemInfo, SystemInfoCgroupVersionEnum},
};
use tokio::net::UnixStream;

use super::request::{pretty, send};
use crate::{EngineAddress, EngineError, EngineFacts, address::Target};

/// Asks it.
pub(super) async fn facts(docker: &Docker, address: &EngineAddress) -> Result<EngineFacts, EngineError> {
    let info = send("ask", "the engine for its facts", docker.info()).await?;
    let version = send("ask", "the engine for its version", docker.version()).await?;
    let is_podman = version.components.iter().flatten().any(|part| part.name.starts_with("Podman"));
    let listener = listener(address).await;
    let local =
        listener.is_some_and(|process| is_this_machine(&info, Path::new("/proc").join(process.to_string()).as_path()));
    let options = info.security_options.unwrap_or_default();
    let has = |word: &str| options.iter().any(|option| option.contains(word));
    let limits = [("memory", info.memory_limit), ("processes", info.pids_limit), ("processors", info.cpu_shares)];
    let architecture = info.architecture.unwrap_or_default();
    Ok(EngineFacts {
        product: if is_podman { "podman" } else { "Docker" }.to_owned(),
        version: info.server_version.unwrap_or_default(),
        api_version: docker.client_version().to_string(),
        address: address.host.clone(),
        found_by: address.found_by.to_string(),
        machine: address.machine(),
        cgroup_version: if info.cgroup_version == Some(SystemInfoCgroupVersionEnum::_2) { 2 } else { 1 },
        storage_driver: info.driver.unwrap_or_default(),
        root_dir: info.docker_root_dir.unwrap_or_default(),
        architecture: go_architecture(&architecture).to_owned(),
        processors: info.ncpu.and_then(|count| usize::try_from(count).ok()).unwrap_or(1),
        memory: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        userns_remapped: has("name=userns"),
        local,
        rootless: has("name=rootless"),
        missing_limits: limits.into_iter().filter(|(_, can)| *can == Some(false)).map(|(what, _)| what).collect(),
        time: info.system_time.unwrap_or_default(),
    })
}

pub(super) async fn describe(docker: &Docker) -> Result<String, EngineError> {
    Ok(pretty(&send("ask", "the engine for its facts", docker.info()).await?))
}

/// The process that listens on the engine's socket. `None` where this process does not see it, because one of the two is in
/// a container, and where there is no socket.
pub(super) async fn listener(address: &EngineAddress) -> Option<i32> {
    let Target::Unix(path) = address.target().ok()? else { return None };
    UnixStream::connect(path).await.ok()?.peer_cred().ok()?.pid().filter(|process| *process > 0)
}

/// Whether this process is on the engine's machine and sees its files. A socket alone says neither: it may be forwarded,
/// lead into a virtual machine, or be mounted into a container. Name, kernel and memory are the machine's; the engine's
/// own folder is not there in a container, and another one of that path where the engine has a root of its own.
fn is_this_machine(info: &SystemInfo, listener: &Path) -> bool {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let here = Here {
        name: read("/proc/sys/kernel/hostname"),
        kernel: read("/proc/sys/kernel/osrelease"),
        memory: total_memory(&read("/proc/meminfo")),
    };
    let folder = info.docker_root_dir.as_deref().unwrap_or_default();
    here.is_described_by(info) && is_same_folder(Path::new(folder), &listener.join("root"))
}

/// Whether a folder is here, and the same one below that root. A root that this user may not look into tells nothing.
fn is_same_folder(folder: &Path, root: &Path) -> bool {
    let Ok(here) = fs::metadata(folder) else { return false };
    let below = folder.strip_prefix("/").unwrap_or(folder);
    match fs::metadata(root.join(below)) {
        Ok(there) => here.is_dir() && (here.dev(), here.ino()) == (there.dev(), there.ino()),
        Err(error) => here.is_dir() && error.kind() == std::io::ErrorKind::PermissionDenied,
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Here {
    name: String,
    kernel: String,
    memory: Option<i64>,
}

impl Here {
    fn is_described_by(&self, info: &SystemInfo) -> bool {
        info.name.as_deref() == Some(&self.name)
            && info.kernel_version.as_deref() == Some(&self.kernel)
            && self.memory.is_some()
            && info.mem_total == self.memory
    }
}

fn total_memory(meminfo: &str) -> Option<i64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<i64>().ok()?.checked_mul(1024)
}

/// The engine speaks the kernel's words for its own architecture and Go's for images.
fn go_architecture(kernel: &str) -> &str {
    match kernel {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_this_one_by_name_kernel_and_memory() {
        let here = Here { name: "a".to_owned(), kernel: "6.1".to_owned(), memory: total_memory("MemTotal:  4 kB") };
        let info = |name: &str, kernel: &str, memory| SystemInfo {
            name: Some(name.to_owned()),
            kernel_version: Some(kernel.to_owned()),
            mem_total: Some(memory),
            ..SystemInfo::default()
        };
        assert!(here.is_described_by(&info("a", "6.1", 4096)));
        for other in [info("docker-desktop", "6.1", 4096), info("a", "6.1-linuxkit", 4096), info("a", "6.1", 4097)] {
            assert!(!here.is_described_by(&other), "{other:?}");
        }
        assert!(!Here { memory: None, ..here }.is_described_by(&SystemInfo::default()));
    }

    #[test]
    fn a_folder_of_another_root_is_another_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let (folder, other) = (temporary.path().join("engine"), temporary.path().join("root"));
        fs::create_dir_all(&folder).unwrap();
        assert!(is_same_folder(&folder, Path::new("/proc/self/root")));
        assert!(!is_same_folder(&folder, &other), "the engine has none");
        fs::create_dir_all(other.join(folder.strip_prefix("/").unwrap())).unwrap();
        assert!(!is_same_folder(&folder, &other), "the engine has its own");
        assert!(!is_same_folder(Path::new("/nonexistent"), Path::new("/proc/self/root")));
    }

    #[tokio::test]
    async fn the_listener_of_a_socket_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine.sock");
        let at = |host: String| EngineAddress { host, tls: None, found_by: crate::FoundBy::DockerHost };
        let _listens = tokio::net::UnixListener::bind(&socket).unwrap();
        let found = listener(&at(format!("unix://{}", socket.display()))).await;
        assert_eq!(found, i32::try_from(std::process::id()).ok());
        assert_eq!(listener(&at("tcp://127.0.0.1:1".to_owned())).await, None);
    }
}
