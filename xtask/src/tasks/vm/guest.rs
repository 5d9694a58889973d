//! What is in the virtual machine beside Debian's packages: how it starts, what it does, and how it tells. Pure.

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

/// The packages of a release.
pub(super) fn packages(suite: Suite) -> Vec<&'static str> {
    // A package of its own, and only recommended, since trixie.
    let client = (suite == Suite::Trixie).then_some("docker-cli");
    PACKAGES.into_iter().chain(client).collect()
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

/// What the machine says last, on a line of its own; the service manager's word for how it went follows.
const VERDICT: &str = "kind-rs in this machine: ";
const SUCCESS: &str = "success";

/// A file of the root file system.
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) text: String,
}

/// Everything that is written into the root file system.
pub(super) fn files() -> [File; 4] {
    [
        File { path: "etc/hostname", text: "kind-rs-vm\n".to_owned() },
        File {
            path: "etc/fstab",
            text: format!("/dev/vda / ext4 defaults 0 1\n/dev/vdb {PAYLOAD} ext4 ro,nofail 0 2\n"),
        },
        File { path: "etc/systemd/system/kind-rs.service", text: unit() },
        // Wanted by what everything that is up wants.
        File {
            path: "etc/systemd/system/multi-user.target.d/kind-rs.conf",
            text: "[Unit]\nWants=kind-rs.service\n".to_owned(),
        },
    ]
}

/// The check, as a service: its commands run one after the other until one fails, and then the machine is switched off. It
/// requires nothing, because a unit whose requirements fail does not fail itself.
fn unit() -> String {
    format!(
        "[Unit]
Description=kind-rs on a host of another kind
Wants=docker.service payload.mount
After=docker.service payload.mount
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
TimeoutStartSec=1h
Environment=HOME=/root KIND_TEST_REQUIRE=1 KIND_TEST_KEEP=never
EnvironmentFile={PAYLOAD}/{ENVIRONMENT}
StandardOutput=journal+console
StandardError=journal+console
ExecStart=docker load --input={PAYLOAD}/{IMAGE}
ExecStart={PAYLOAD}/{KIND} doctor
ExecStart={PAYLOAD}/{TESTS} --exact {TEST} --nocapture
ExecStopPost=echo \"{VERDICT}${{SERVICE_RESULT}}\"
"
    )
}

/// Whether the machine said that all went well, on its console.
pub(super) fn passed(console: &str) -> bool {
    let verdict = console.lines().rev().find_map(|line| Some(line.split_once(VERDICT)?.1));
    verdict.is_some_and(|verdict| verdict.trim() == SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(unit().contains(&format!("After=docker.service {}.mount", PAYLOAD.trim_start_matches('/'))));
    }

    #[test]
    fn the_check_runs_what_the_payload_has() {
        for name in [IMAGE, KIND, TESTS, ENVIRONMENT] {
            assert!(unit().contains(&format!("{PAYLOAD}/{name}")), "{name}");
        }
    }
}
