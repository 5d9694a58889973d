//! The programs that are built from Go modules: which modules, which packages, with which flags. Plain data.

use crate::{
    Release, Step,
    digest::Digest,
    embedded::{self, COMPONENTS, Embedded},
};

/// A set of programs that one `go build` makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    /// The step that builds it.
    pub(crate) step: Step,
    /// The modules it needs, with versions.
    pub(crate) modules: Vec<(&'static str, &'static str)>,
    /// The packages to build. The program is called like the package's last part, unless `rename` says otherwise.
    pub(crate) packages: Vec<String>,
    /// The name of the only program, where it is not the package's.
    pub(crate) rename: Option<&'static str>,
    /// Whether it is C as well; linked statically then.
    pub(crate) cgo: bool,
    /// Build tags.
    pub(crate) tags: &'static str,
    /// Variables of the programs that the linker sets.
    pub(crate) variables: Vec<(String, String)>,
    /// A main package of our own, in place of upstream's; none for that.
    pub(crate) main: Vec<Embedded>,
}

impl Component {
    /// A component of one module, with nothing to build yet.
    pub(crate) fn new(step: Step, module: &'static str, version: &'static str) -> Self {
        Self {
            step,
            modules: vec![(module, version)],
            packages: Vec::new(),
            rename: None,
            cgo: false,
            tags: "",
            variables: Vec::new(),
            main: Vec::new(),
        }
    }

    /// Packages below the component's first module.
    pub(crate) fn packages(mut self, below: &[&str]) -> Self {
        let module = self.modules[0].0;
        self.packages = below
            .iter()
            .map(|path| if path.is_empty() { module.to_owned() } else { format!("{module}/{path}") })
            .collect();
        self
    }

    /// A variable that the linker sets.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The linker's flags: no symbol tables, and what the programs report as their version.
    pub(crate) fn linker_flags(&self) -> String {
        let mut flags = vec!["-s -w".to_owned()];
        if self.cgo {
            flags.push("-linkmode external -extldflags -static".to_owned());
        }
        flags.extend(self.variables.iter().map(|(name, value)| format!("-X {name}={value}")));
        flags.join(" ")
    }

    /// The name of its result: changes with everything that the result depends on.
    pub(crate) fn key(&self, release: &Release) -> String {
        let digest = Digest::new("component 1")
            .field("architecture", std::env::consts::ARCH)
            .field("definition", format!("{self:?}"))
            .field("pause", if self.step == Step::Kubernetes { release.pause } else { "" });
        format!("{}-{}", self.step.slug(), digest.short())
    }
}

/// Every component of a release, the longest to build first.
pub(crate) fn components(release: &Release) -> Vec<Component> {
    vec![
        kubernetes(release),
        Component {
            rename: Some("etcd"),
            ..Component::new(Step::Etcd, "go.etcd.io/etcd/server/v3", release.etcd).packages(&[""])
        },
        Component {
            // The snapshotters that need these libraries or devices have no place in a container.
            tags: "netgo osusergo static_build no_btrfs no_devmapper no_zfs",
            ..Component::new(Step::Containerd, "github.com/containerd/containerd/v2", release.containerd)
                .packages(&["cmd/containerd", "cmd/containerd-shim-runc-v2", "cmd/ctr"])
                .variable("github.com/containerd/containerd/v2/version.Version", release.containerd)
        },
        Component {
            cgo: true,
            // Without seccomp every pod with a profile fails.
            tags: "seccomp netgo osusergo",
            ..Component::new(Step::Runc, "github.com/opencontainers/runc", release.runc)
                .packages(&[""])
                .variable("main.version", release.runc.trim_start_matches('v'))
        },
        Component::new(Step::CniPlugins, "github.com/containernetworking/plugins", release.cni_plugins).packages(&[
            "plugins/main/bridge",
            "plugins/main/loopback",
            "plugins/main/ptp",
            "plugins/ipam/host-local",
            "plugins/meta/portmap",
        ]),
        Component::new(Step::CriTools, "sigs.k8s.io/cri-tools", release.cri_tools)
            .packages(&["cmd/crictl"])
            .variable("sigs.k8s.io/cri-tools/pkg/version.Version", release.cri_tools),
        Component {
            packages: vec![".".to_owned()],
            rename: Some("coredns"),
            main: embedded::below(COMPONENTS, "components/coredns"),
            ..Component::new(Step::CoreDns, "github.com/coredns/coredns", release.coredns)
        },
        Component::new(
            Step::LocalPathProvisioner,
            "github.com/rancher/local-path-provisioner",
            release.local_path_provisioner,
        )
        .packages(&[""])
        .variable("main.VERSION", release.local_path_provisioner),
        Component {
            packages: vec![".".to_owned()],
            rename: Some("network"),
            main: embedded::below(COMPONENTS, "components/network"),
            modules: vec![
                ("sigs.k8s.io/kube-network-policies", release.network_policies),
                ("k8s.io/cloud-provider", release.cloud_provider),
            ],
            ..Component::new(Step::Network, "sigs.k8s.io/kube-network-policies", release.network_policies)
        },
        Component {
            packages: vec![".".to_owned()],
            rename: Some("registry"),
            main: embedded::below(COMPONENTS, "components/registry"),
            ..Component::new(Step::Registry, "github.com/distribution/distribution/v3", release.registry)
        },
    ]
}

/// Kubernetes itself. What its programs report must be the release's, since skew checks compare it.
fn kubernetes(release: &Release) -> Component {
    let component = Component::new(Step::Kubernetes, "k8s.io/kubernetes", release.kubernetes).packages(&[
        "cmd/kubeadm",
        "cmd/kubelet",
        "cmd/kubectl",
        "cmd/kube-apiserver",
        "cmd/kube-controller-manager",
        "cmd/kube-scheduler",
        "cmd/kube-proxy",
    ]);
    reporting(component, release)
}

/// A component of Kubernetes whose programs report the release.
pub(crate) fn reporting(mut component: Component, release: &Release) -> Component {
    component.variables.extend(Reported::of(release).variables());
    component
}

/// What Kubernetes' programs say of themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reported {
    /// The version.
    pub(crate) version: String,
    /// Whether the sources are those of the commit.
    pub(crate) clean: bool,
    /// The commit.
    pub(crate) commit: String,
    /// When it was made.
    pub(crate) date: String,
}

impl Reported {
    fn of(release: &Release) -> Self {
        // A module carries no commit.
        let commit = "unknown".to_owned();
        Self { version: release.kubernetes.to_owned(), clean: true, commit, date: release.tagged.to_owned() }
    }

    /// The variables that the linker sets.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let mut numbers = self.version.trim_start_matches('v').split('.');
        let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        // As upstream marks what is no release.
        let minor = if self.version.contains(['-', '+']) { format!("{minor}+") } else { minor.to_owned() };
        let values = [
            ("gitVersion", self.version.as_str()),
            ("gitMajor", major),
            ("gitMinor", &minor),
            ("gitTreeState", if self.clean { "clean" } else { "dirty" }),
            ("gitCommit", &self.commit),
            ("buildDate", &self.date),
        ];
        let of = |package| values.map(|(name, value)| (format!("{package}.{name}"), value.to_owned()));
        ["k8s.io/client-go/pkg/version", "k8s.io/component-base/version"].into_iter().flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_programs_are_named_by_their_packages() {
        for component in components(Release::newest()) {
            assert!(component.rename.is_none() || component.packages.len() == 1, "{:?}", component.step);
        }
    }

    #[test]
    fn kubernetes_reports_the_release() {
        let flags = kubernetes(Release::newest()).linker_flags();
        assert!(flags.starts_with("-s -w -X k8s.io/client-go/pkg/version.gitVersion=v1.37.2 "), "{flags}");
        assert!(flags.contains("-X k8s.io/component-base/version.gitMinor=37"), "{flags}");
    }

    /// Which Service has which address, and which node answers for it: without a module beside Go's own library, so that no network
    /// and no cache is needed.
    #[test]
    fn addresses_and_nodes_are_chosen_as_the_tests_in_go_say() {
        if std::process::Command::new("go").arg("version").output().is_err() {
            eprintln!("SKIPPED: no Go on this machine");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("components/network");
        for name in ["addresses.go", "addresses_test.go", "choice.go", "choice_test.go"] {
            std::fs::copy(sources.join(name), folder.path().join(name)).unwrap();
        }
        let module = format!("module node\n\ngo {}.0\n", Release::newest().go);
        std::fs::write(folder.path().join("go.mod"), module).unwrap();
        let settings = [("GOFLAGS", "-mod=mod"), ("GOPROXY", "off"), ("GOWORK", "off"), ("GOTOOLCHAIN", "local")];
        let mut test = std::process::Command::new("go");
        let output = test.args(["test", "-v", "."]).envs(settings).current_dir(folder.path()).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
        assert!(printed.contains("--- PASS: TestAClonesServicesGetAddressesOfItsOwnNetwork"), "{printed}");
    }

    #[test]
    fn the_key_follows_the_flags() {
        let component = kubernetes(Release::newest());
        let other = component.clone().variable("a", "b");
        assert_ne!(component.key(Release::newest()), other.key(Release::newest()));
    }
}
