//! What this machine has. Looks only; installs nothing.

use std::{ffi::OsStr, fs, path::Path};

use nix::unistd::Uid;

use super::{go, nextest, wheel};
use crate::{context::Context, process::has_program};

/// What was found on this machine.
#[expect(clippy::struct_excessive_bools, reason = "each is an independent finding, read once by `missing`")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Whether we may install packages.
    pub is_root: bool,
    /// Whether the distribution's package manager is there.
    pub has_apt: bool,
    /// Whether a container engine answered.
    pub engine_answers: bool,
    /// Whether one is installed, running or not.
    pub has_dockerd: bool,
    /// Whether control groups are mounted, which a host without a service manager may have skipped.
    pub has_cgroups: bool,
    /// Whether archives can be fetched.
    pub has_curl: bool,
    /// Whether a base image can be made without a registry.
    pub has_mmdebstrap: bool,
    /// Whether C programs can be built.
    pub has_compiler: bool,
    /// Whether the C compiler finds libraries.
    pub has_pkg_config: bool,
    /// Whether programs can be built with libseccomp.
    pub has_libseccomp: bool,
    /// Whether Go is there and new enough.
    pub has_go: bool,
    /// Whether Python can install packages.
    pub has_pip: bool,
    /// Whether the test runner is there and new enough.
    pub has_nextest: bool,
    /// Whether a prebuilt test runner is offered for this machine.
    pub has_nextest_wheel: bool,
    /// Folders of unpacked packages that the examples lack.
    pub packages_lacking: Vec<String>,
}

impl Host {
    /// Looks around. `engine_answers` and `packages_lacking` take more than a look and come from the caller.
    pub async fn look(ctx: &Context, engine_answers: bool, packages_lacking: Vec<String>) -> Self {
        let path: &OsStr = &ctx.settings.path;
        let has = |name: &str| has_program(path, name);
        Self {
            is_root: Uid::effective().is_root(),
            has_apt: has("apt-get") && has("dpkg"),
            engine_answers,
            has_dockerd: has("dockerd"),
            has_cgroups: fs::read_to_string("/proc/mounts").is_ok_and(|mounts| mentions_cgroups(&mounts)),
            has_curl: has("curl"),
            has_mmdebstrap: has("mmdebstrap"),
            has_compiler: ["gcc", "make", "bzip2"].into_iter().all(has),
            has_pkg_config: has("pkg-config"),
            has_libseccomp: Path::new("/usr/include/seccomp.h").exists(),
            has_go: go::find(ctx).await.is_some(),
            has_pip: wheel::has_pip(ctx),
            has_nextest: nextest::find(ctx).await.is_some(),
            has_nextest_wheel: nextest::WHEEL.is_for_this_machine(),
            packages_lacking,
        }
    }
}

fn mentions_cgroups(mounts: &str) -> bool {
    mounts.lines().any(|line| line.split(' ').nth(2).is_some_and(|kind| kind == "cgroup" || kind == "cgroup2"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_groups_are_found_in_either_version() {
        assert!(mentions_cgroups("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"));
        assert!(mentions_cgroups("cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n"));
        assert!(!mentions_cgroups("tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"));
    }
}
