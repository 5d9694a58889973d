//! Which engines there are to try, and how each is started. Pure.

use clap::ValueEnum as _;

use crate::args::EngineName;

/// Where the engine's own files, and its socket, are in its root.
pub(super) const SHARED: &str = "/engine";
/// The socket's name in there.
pub(super) const SOCKET: &str = "engine.sock";
/// The name of Docker's configuration in there.
pub(super) const DOCKER_CONFIGURATION: &str = "daemon.json";

/// What every root has: programs of engines, and what they call.
const PACKAGES: [&str; 11] = [
    "aardvark-dns",
    "ca-certificates",
    "docker.io",
    "iproute2",
    "iptables",
    "kmod",
    "mount",
    "netavark",
    "nftables",
    "podman",
    "runc",
];
/// Not in Debian 12, whose podman is not tried.
const SINCE_TRIXIE: [&str; 4] = ["aardvark-dns", "netavark", "nftables", "podman"];

impl EngineName {
    /// The name that the command line has for it.
    pub(super) fn text(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The Debian release that it comes from.
    pub(super) fn suite(self) -> &'static str {
        match self {
            Self::DockerBookworm => "bookworm",
            Self::DockerTrixie | Self::PodmanTrixie => "trixie",
            Self::DockerSid | Self::DockerSidContainerd | Self::PodmanSid => "sid",
        }
    }

    /// Whether it is podman.
    pub(super) fn is_podman(self) -> bool {
        matches!(self, Self::PodmanTrixie | Self::PodmanSid)
    }

    /// The engine's command line.
    pub(super) fn command(self) -> Vec<String> {
        let socket = format!("unix://{SHARED}/{SOCKET}");
        let configuration = format!("{SHARED}/{DOCKER_CONFIGURATION}");
        // There is no service manager to make control groups; and crun does not know the old kind of them any more.
        let podman =
            ["podman", "--cgroup-manager", "cgroupfs", "--runtime", "runc", "system", "service", "--time", "0"];
        let words: Vec<&str> = if self.is_podman() {
            podman.into_iter().chain([socket.as_str()]).collect()
        } else {
            vec!["dockerd", "--config-file", &configuration, "--host", &socket]
        };
        words.into_iter().map(str::to_owned).collect()
    }

    /// Docker's configuration: which image store it has.
    pub(super) fn docker_configuration(self) -> String {
        let is_containerd = self == Self::DockerSidContainerd;
        format!("{{\"features\": {{\"containerd-snapshotter\": {is_containerd}}}}}\n")
    }
}

/// The packages that a release's root is made of.
pub(super) fn packages(suite: &str) -> Vec<&'static str> {
    PACKAGES.into_iter().filter(|name| suite != "bookworm" || !SINCE_TRIXIE.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_listens_where_its_socket_leads_out() {
        for engine in EngineName::value_variants() {
            let line = engine.command().join(" ");
            assert!(line.contains("unix:///engine/engine.sock"), "{line}");
            assert_eq!(line.starts_with("podman"), engine.text().starts_with("podman"), "{line}");
            assert!(engine.text().contains(engine.suite()), "{}", engine.text());
        }
    }

    #[test]
    fn one_engine_has_containerds_store() {
        let has = |engine: &&EngineName| engine.docker_configuration().contains("true");
        let with: Vec<&EngineName> = EngineName::value_variants().iter().filter(has).collect();
        assert_eq!(with, [&EngineName::DockerSidContainerd]);
        assert!(serde_json::from_str::<serde_json::Value>(&EngineName::PodmanSid.docker_configuration()).is_ok());
    }

    #[test]
    fn a_root_has_the_programs_of_its_engines() {
        for engine in EngineName::value_variants() {
            let wanted = if engine.is_podman() { "podman" } else { "docker.io" };
            assert!(packages(engine.suite()).contains(&wanted), "{}", engine.text());
        }
    }
}
