//! What is in the virtual machine beside Debian's packages: how it starts, what it does, and how it tells. Pure.

use super::rootless;
use crate::args::Suite;

/// The packages of every release. The kernel is the one that Debian makes for virtual machines.
const PACKAGES: [&str; 10] = [
    "apparmor",
    "ca-certificates",
    "dbus",
    "docker.io",
    "iptables",
    "kmod",
    "linux-image-cloud-amd64",
    "procps",
    "systemd-sysv",
    "udev",
];

/// What an engine that runs as a user needs besides.
const ROOTLESS_PACKAGES: [&str; 6] =
    ["dbus-user-session", "fuse-overlayfs", "iproute2", "rootlesskit", "slirp4netns", "uidmap"];

/// A kind of machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Guest {
    /// The Debian release.
    pub(super) suite: Suite,
    /// Whether its engine runs as a user.
    pub(super) rootless: bool,
}

/// Where the second disk is mounted, by the unit of that name.
pub(super) const PAYLOAD: &str = "/payload";
/// A file on it with the variables of this check, one a line.
pub(super) const ENVIRONMENT: &str = "environment";
/// Our command line tool on it.
pub(super) const KIND: &str = "kind-rs";
/// The harness' own tests on it.
pub(super) const TESTS: &str = "tests";
/// The node image on it.
pub(super) const IMAGE: &str = "node-image.tar";
/// The test that is run.
const TEST: &str = "restart::a_node_comes_back_with_its_pods";

/// A script that tells what the nodes of a cluster logged that did not come up: nothing else of the machine outlives it.
const TELL: &str = "usr/local/lib/kind-rs-tell";
const TELL_TEXT: &str =
    "[ \"$SERVICE_RESULT\" = success ] || find \"$HOME\" -name '*.log' -size +0 -exec tail -n 2000 {} +\n";

/// What the machine says last, on a line of its own; the service manager's word for how it went follows.
const VERDICT: &str = "kind-rs in this machine: ";
const SUCCESS: &str = "success";

/// A file of the root file system.
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) text: String,
}

impl File {
    pub(super) fn new(path: &'static str, text: impl Into<String>) -> Self {
        Self { path, text: text.into() }
    }
}

impl Guest {
    /// What its files on this machine are called.
    pub(super) fn name(self) -> String {
        format!("{}{}", self.suite.name(), if self.rootless { "-rootless" } else { "" })
    }

    /// What it is, for people to read.
    pub(super) fn title(self) -> String {
        format!("Debian {}{}", self.suite.name(), if self.rootless { " without root" } else { "" })
    }

    /// The packages that it is made of.
    pub(super) fn packages(self) -> Vec<&'static str> {
        // A package of its own, and only recommended, since trixie.
        let client = (self.suite == Suite::Trixie).then_some("docker-cli");
        let rootless = self.rootless.then_some(ROOTLESS_PACKAGES).into_iter().flatten();
        PACKAGES.into_iter().chain(client).chain(rootless).collect()
    }

    /// Everything that is written into the root file system.
    pub(super) fn files(self) -> Vec<File> {
        let mut files = vec![
            File::new("etc/hostname", "kind-rs-vm\n"),
            File::new("etc/fstab", format!("/dev/vda / ext4 defaults 0 1\n/dev/vdb {PAYLOAD} ext4 ro,nofail 0 2\n")),
            File::new("etc/systemd/system/kind-rs.service", self.unit()),
            File::new(TELL, TELL_TEXT),
            // Wanted by what everything that is up wants.
            File::new("etc/systemd/system/multi-user.target.d/kind-rs.conf", "[Unit]\nWants=kind-rs.service\n"),
        ];
        if self.rootless {
            files.extend(rootless::files());
        }
        files
    }

    /// The check, as a service: its commands run one after the other until one fails, and then the machine is switched off.
    /// It requires nothing, because a unit whose requirements fail does not fail itself.
    fn unit(self) -> String {
        let (engine, user) =
            if self.rootless { rootless::SERVICE } else { ("docker.service", "Environment=HOME=/root") };
        format!(
            "[Unit]
Description=kind-rs on a host of another kind
Wants={engine} payload.mount
After={engine} payload.mount
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
TimeoutStartSec=1h
{user}
Environment=KIND_TEST_REQUIRE=1 KIND_TEST_KEEP=never
EnvironmentFile={PAYLOAD}/{ENVIRONMENT}
StandardOutput=journal+console
StandardError=journal+console
ExecStart=docker load --input={PAYLOAD}/{IMAGE}
ExecStart={PAYLOAD}/{KIND} doctor
ExecStart={PAYLOAD}/{TESTS} --exact {TEST} --nocapture
ExecStopPost=sh /{TELL}
ExecStopPost=echo \"{VERDICT}${{SERVICE_RESULT}}\"
"
        )
    }
}

/// Whether the machine said that all went well, on its console.
pub(super) fn passed(console: &str) -> bool {
    let verdict = console.lines().rev().find_map(|line| Some(line.split_once(VERDICT)?.1));
    verdict.is_some_and(|verdict| verdict.trim() == SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every kind of machine.
    fn guests() -> impl Iterator<Item = Guest> {
        let of_suite = |suite| [true, false].map(|rootless| Guest { suite, rootless });
        [Suite::Bookworm, Suite::Trixie].into_iter().flat_map(of_suite)
    }

    fn unit() -> String {
        Guest { suite: Suite::Bookworm, rootless: false }.unit()
    }

    #[test]
    fn the_service_tells_what_is_looked_for() {
        let unit = unit();
        let said = unit.lines().find_map(|line| line.strip_prefix("ExecStopPost=echo \"")).unwrap();
        let console = |word: &str| {
            let line = said.trim_end_matches('"').replace("${SERVICE_RESULT}", word);
            format!("systemd[1]: Starting\r\n[   60.1] echo[812]: {line}\r\nreboot: Power down\r\n")
        };
        assert!(passed(&console("success")));
        assert!(!passed(&console("exit-code")));
        assert!(!passed("Kernel panic"));
        assert!(!passed(&format!("{}{}", console("success"), console("timeout"))), "the last word counts");
    }

    #[test]
    fn the_mount_has_the_name_that_it_is_waited_for_by() {
        for guest in guests() {
            let mount = format!(" {}.mount\n", PAYLOAD.trim_start_matches('/'));
            assert_eq!(guest.unit().matches(&mount).count(), 2, "{guest:?}");
        }
    }

    #[test]
    fn the_check_runs_what_the_payload_has() {
        for name in [IMAGE, KIND, TESTS, ENVIRONMENT] {
            assert!(guests().all(|guest| guest.unit().contains(&format!("{PAYLOAD}/{name}"))), "{name}");
        }
    }
}
