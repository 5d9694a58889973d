//! Plain data: containers, networks and commands as the workspace describes them.
//!
//! Nothing here knows how an engine spells a request.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;

use crate::{CommandError, NodeFile};

/// A container to create.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerSpec {
    /// The container's name.
    pub name: String,
    /// The name it sees as its own; empty for the engine's choice.
    pub hostname: String,
    /// The image's reference.
    pub image: String,
    /// Replaces the image's entry point where not empty.
    pub entrypoint: Vec<String>,
    /// The arguments of the entry point.
    pub arguments: Vec<String>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The network's name or identifier; empty for the engine's default network.
    pub network: String,
    /// A fixed address in that network.
    pub address: Option<IpAddr>,
    /// Further names under which the network resolves the container.
    pub aliases: Vec<String>,
    /// Volumes, host folders and tmpfs.
    pub mounts: Vec<Mount>,
    /// A container whose volumes and mounts it has too, at the same places and read-only; empty for none.
    pub volumes_of: String,
    /// Published ports.
    pub ports: Vec<PortMapping>,
    /// What the container may do to its host.
    pub privileges: Privileges,
    /// Capabilities on top of the engine's default, such as `NET_ADMIN`; full privileges have them all.
    pub capabilities: Vec<String>,
    /// When the engine starts it again by itself.
    pub restart: RestartPolicy,
    /// A memory limit in bytes.
    pub memory: Option<u64>,
    /// A processor limit in billionths of a processor.
    pub nano_cpus: Option<u64>,
    /// Kernel settings of the container's namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Keep the host's user namespace where the engine remaps it.
    pub host_userns: bool,
    /// Sees the processes of the engine's machine.
    pub host_processes: bool,
    /// The engine removes it when it ends.
    pub remove_at_end: bool,
    /// Files to write before it starts.
    pub files: Vec<NodeFile>,
}

/// What a container may do to its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Privileges {
    /// The engine's default.
    #[default]
    Default,
    /// Everything: `--privileged`, or where the host itself lacks a capability and the engine therefore refuses that,
    /// every capability that it has, named one by one, with the same devices and no confinement.
    Full,
}

/// When the engine starts a container again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RestartPolicy {
    /// Never.
    #[default]
    No,
    /// After a failure, at most so many times.
    OnFailure(u32),
    /// Whenever it ends, and when the engine starts, unless somebody stopped it.
    UnlessStopped,
}

/// Something mounted into a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where it appears in the container.
    pub target: String,
    /// What it is.
    pub kind: MountKind,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountKind {
    /// A volume without a name, removed with the container, whose labels it carries.
    AnonymousVolume,
    /// Memory. `options` are mount options, such as `exec,size=64m`.
    Tmpfs {
        /// Mount options, comma separated; empty for the engine's.
        options: String,
    },
    /// A folder or file of the engine's host.
    Host {
        /// The absolute path on the host.
        path: String,
        /// Whether the container must not write there.
        read_only: bool,
        /// Whether to relabel it for `SELinux`.
        selinux_relabel: bool,
        /// How mounts below it spread.
        propagation: Propagation,
    },
}

/// How mounts below a host mount spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    /// Not at all (`rprivate`).
    #[default]
    None,
    /// From the host into the container (`rslave`).
    HostToContainer,
    /// Both ways (`rshared`).
    Bidirectional,
}

/// The protocol of a published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortMapping {
    /// The port in the container.
    pub container_port: u16,
    /// The port on the host; `None` for one that the engine picks.
    pub host_port: Option<u16>,
    /// The address of the host to listen on.
    pub listen_address: IpAddr,
    /// The protocol.
    pub protocol: Protocol,
}

/// A network to create.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkSpec {
    /// The network's name.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The ranges of its addresses, at most one of each family (`10.89.0.0/24`); of a family without one the engine chooses.
    pub subnets: Vec<IpNet>,
    /// The parts of these ranges that the engine gives addresses from by itself, at most one of each; none for all of a range.
    pub own_parts: Vec<IpNet>,
    /// Whether the network has IPv6 as well.
    pub ipv6: bool,
    /// The driver's options, such as `com.docker.network.driver.mtu`.
    pub options: BTreeMap<String, String>,
}

/// What the engine knows of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerFacts {
    /// The engine's identifier.
    pub id: String,
    /// The name, without a leading slash.
    pub name: String,
    /// The image's reference as the container was created with it.
    pub image: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// `created`, `running`, `paused`, `restarting`, `exited` or `dead`.
    pub state: String,
    /// When it was last started, in the engine's words, which are those of RFC 3339; empty where a list is all that was asked
    /// for.
    pub started: String,
    /// The exit code of the last run, where it ended.
    pub exit_code: Option<i64>,
    /// Published TCP ports: port in the container, address and port on the host.
    pub ports: Vec<(u16, String, u16)>,
    /// The address in its (first) network.
    pub address: Option<IpAddr>,
    /// Its networks, also while it does not run.
    pub networks: Vec<Attachment>,
    /// Seconds since 1970 when it was created.
    pub created: i64,
    /// The engine's names of the volumes that are mounted into it.
    pub volumes: Vec<String>,
}

/// A container's place in a network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attachment {
    /// What the engine calls the network; the identifier that was asked for where the container never ran.
    pub name: String,
    /// The network's identifier; empty where the container never ran.
    pub id: String,
}

impl ContainerFacts {
    /// Whether it is in the network with that identifier.
    pub fn is_in(&self, network: &str) -> bool {
        self.networks.iter().any(|one| one.id == network || one.name == network)
    }

    /// Whether its first process runs (a frozen one does too).
    pub fn is_running(&self) -> bool {
        self.state == "running" || self.state == "paused"
    }
}

/// A command to run in a container: arguments are a vector, never a shell string.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Bytes for its standard input.
    pub stdin: Option<Vec<u8>>,
    /// Environment variables on top of the container's.
    pub environment: BTreeMap<String, String>,
}

impl Command {
    /// A command without standard input.
    pub fn new<I, S>(argv: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Self { argv: argv.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Gives it standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }
}

impl<S: Into<String>, const COUNT: usize> From<[S; COUNT]> for Command {
    fn from(argv: [S; COUNT]) -> Self {
        Self::new(argv)
    }
}

/// What a command in a container printed, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecOutput {
    /// The container.
    pub container: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The exit code.
    pub exit_code: i64,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl ExecOutput {
    /// Standard output as text, where the command succeeded.
    ///
    /// # Errors
    /// A [`CommandError`] with the output's tail, where the exit code is not zero.
    pub fn success(self) -> Result<String, CommandError> {
        if self.exit_code == 0 {
            return Ok(String::from_utf8_lossy(&self.stdout).into_owned());
        }
        Err(CommandError::from(self))
    }
}
