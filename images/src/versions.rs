//! The one table of versions. Everything else asks here; no version is written anywhere else.

use crate::{UnsupportedVersion, go::KubernetesModule};

/// A Kubernetes release and everything that a node of it is made of.
#[derive(Debug, PartialEq, Eq)]
pub struct Release {
    /// The release tag of Kubernetes.
    pub kubernetes: &'static str,
    /// The version of its staging modules (`k8s.io/api` and so on).
    pub staging: &'static str,
    /// When the release was tagged: the build date that its programs report.
    pub tagged: &'static str,
    /// The language version that upstream's module asks for.
    pub go: &'static str,
    /// etcd's module version.
    pub etcd: &'static str,
    /// The tag under which kubeadm of this release expects etcd's image.
    pub etcd_tag: &'static str,
    /// `CoreDNS`'s module version and image tag, as kubeadm of this release expects.
    pub coredns: &'static str,
    /// The tag under which kubeadm expects `CoreDNS`'s image, where that is not its version.
    pub(crate) coredns_tag: Option<&'static str>,
    /// The tag of the pause image that kubeadm and containerd expect.
    pub pause: &'static str,
    /// containerd's module version.
    pub containerd: &'static str,
    /// runc's module version.
    pub runc: &'static str,
    /// The module version of the network plugins.
    pub cni_plugins: &'static str,
    /// The module version of `crictl`.
    pub cri_tools: &'static str,
    /// The module version and image tag of the storage provisioner.
    pub local_path_provisioner: &'static str,
    /// The module version of what enforces network policies.
    pub network_policies: &'static str,
    /// The version of Kubernetes' own module for clouds, whose service controller gives addresses to Services.
    pub cloud_provider: &'static str,
    /// The module version of the registry.
    pub registry: &'static str,
    /// The suite of the root file system. bookworm's systemd runs on cgroup v1 and v2; later ones refuse v1.
    pub debian: &'static str,
    /// What its conformance suite needs; `None` where the suite of this release is not offered.
    pub(crate) conformance: Option<Conformance>,
    /// The key of Kubernetes' programs where they are not built from the release's modules.
    pub(crate) programs: Option<&'static str>,
    /// The base image, where it is not built here.
    pub(crate) base: Option<GivenBase>,
}

/// A base image that somebody else made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GivenBase {
    /// Its content's digest, by which containers of it are started as well.
    pub(crate) id: &'static str,
}

/// The images that a release's conformance suite uses beside those of the node: tags, from the release's own table of
/// them (`test/utils/image/manifest.go`), and the modules whose programs lie in them. No part of a node image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conformance {
    /// The tag of the image with most test programs, built from the release itself.
    pub(crate) agnhost: &'static str,
    /// The tag of its predecessor, for specs that change an image.
    pub(crate) agnhost_previous: &'static str,
    /// The release with the sources nearest to that tag. (No release has exactly 2.55: v1.34.0-alpha.0 has 2.53, the next
    /// one 2.56.)
    pub(crate) agnhost_previous_module: KubernetesModule,
    /// The tag of busybox.
    pub(crate) busybox: &'static str,
    /// The name and tag of the image with glibc's resolver and dig.
    pub(crate) dns_testing: [&'static str; 2],
    /// The tag of one picture's web server.
    pub(crate) kitten: &'static str,
    /// The tag of the other picture's.
    pub(crate) nautilus: &'static str,
    /// The tag of nginx.
    pub(crate) nginx: &'static str,
    /// The tag of the image with a setuid program.
    pub(crate) nonewprivs: &'static str,
    /// The tag of the aggregated API server.
    pub(crate) sample_apiserver: &'static str,
    /// Its module's version.
    pub(crate) sample_apiserver_module: &'static str,
}

const CONFORMANCE_1_37: Conformance = Conformance {
    agnhost: "2.66.1",
    agnhost_previous: "2.55",
    agnhost_previous_module: KubernetesModule { version: "v1.34.0-alpha.1", staging: "v0.34.0-alpha.1", go: "1.24" },
    busybox: "1.37.0-2",
    dns_testing: ["glibc-dns-testing", "2.1.1"],
    kitten: "1.8",
    nautilus: "1.8",
    nginx: "1.27.0-2",
    nonewprivs: "1.4",
    sample_apiserver: "1.29.2",
    sample_apiserver_module: "v0.29.2",
};

const CONFORMANCE_1_36: Conformance = Conformance {
    agnhost: "2.63.0",
    busybox: "1.37.0-1",
    dns_testing: ["glibc-dns-testing", "2.0.0"],
    nginx: "1.15-4",
    ..CONFORMANCE_1_37
};

const CONFORMANCE_1_35: Conformance = Conformance {
    agnhost: "2.59",
    dns_testing: ["jessie-dnsutils", "1.7"],
    kitten: "1.7",
    nautilus: "1.7",
    nginx: "1.14-4",
    nonewprivs: "1.3",
    ..CONFORMANCE_1_36
};

const V1_37: Release = Release {
    kubernetes: "v1.37.2",
    staging: "v0.37.2",
    tagged: "2026-10-27T12:01:04Z",
    go: "1.26",
    etcd: "v3.7.3",
    etcd_tag: "3.7.0-0",
    coredns: "v1.14.6",
    coredns_tag: None,
    pause: "3.10.2",
    containerd: "v2.4.2",
    runc: "v1.5.2",
    cni_plugins: "v1.9.1",
    cri_tools: "v1.36.0",
    local_path_provisioner: "v0.0.30",
    network_policies: "v0.8.0",
    cloud_provider: "v0.37.2",
    registry: "v3.1.2",
    debian: "bookworm",
    conformance: Some(CONFORMANCE_1_37),
    programs: None,
    base: None,
};

/// Older releases: what Kubernetes itself determines, on the same containerd, runc and Debian.
const V1_36: Release = Release {
    kubernetes: "v1.36.3",
    staging: "v0.36.3",
    tagged: "2026-07-22T18:07:38Z",
    go: "1.26",
    etcd: "v3.6.16",
    etcd_tag: "3.6.8-0",
    coredns: "v1.14.2",
    pause: "3.10.2",
    conformance: Some(CONFORMANCE_1_36),
    ..V1_37
};

const V1_35: Release = Release {
    kubernetes: "v1.35.4",
    staging: "v0.35.4",
    tagged: "2026-04-15T18:01:22Z",
    go: "1.25",
    etcd_tag: "3.6.6-0",
    conformance: Some(CONFORMANCE_1_35),
    coredns: "v1.13.1",
    pause: "3.10.1",
    ..V1_36
};

const V1_34: Release = Release {
    kubernetes: "v1.34.4",
    staging: "v0.34.4",
    tagged: "2026-02-10T12:53:36Z",
    go: "1.24",
    etcd_tag: "3.6.5-0",
    coredns: "v1.12.1",
    // Its specs want Apache's web server in two versions, which no other release's do.
    conformance: None,
    ..V1_35
};

/// Every release that can be built, newest first.
static RELEASES: [Release; 4] = [V1_37, V1_36, V1_35, V1_34];

impl Release {
    /// Every release that can be built, newest first.
    pub fn all() -> &'static [Release] {
        &RELEASES
    }

    /// The newest release.
    pub fn newest() -> &'static Release {
        &Self::all()[0]
    }

    /// The release of that Kubernetes version, with or without the leading `v`: `v1.36.3`, or `v1.36` for the one of that
    /// minor version.
    ///
    /// # Errors
    /// When it is not in the table; the error lists what is.
    pub fn find(version: &str) -> Result<&'static Release, UnsupportedVersion> {
        let bare = version.strip_prefix('v').unwrap_or(version);
        let is_meant = |release: &&Release| {
            let (major, minor) = release.major_minor();
            release.kubernetes.trim_start_matches('v') == bare || format!("{major}.{minor}") == bare
        };
        Self::all().iter().find(is_meant).ok_or_else(|| UnsupportedVersion {
            found: version.to_owned(),
            supported: Self::all().iter().map(|release| release.kubernetes).collect(),
        })
    }

    /// Whether its conformance suite is offered.
    pub fn has_conformance(&self) -> bool {
        self.conformance.is_some()
    }

    /// Major and minor version, as Kubernetes' programs report them.
    pub(crate) fn major_minor(&self) -> (&'static str, &'static str) {
        let mut parts = self.kubernetes.trim_start_matches('v').split('.');
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
    }

    /// Every version in it, by name: what decides whether an image is still the same.
    pub(crate) fn fields(&self) -> [(&'static str, &'static str); 17] {
        [
            ("kubernetes", self.kubernetes),
            ("staging", self.staging),
            ("tagged", self.tagged),
            ("go", self.go),
            ("etcd", self.etcd),
            ("etcd tag", self.etcd_tag),
            ("coredns", self.coredns),
            ("pause", self.pause),
            ("containerd", self.containerd),
            ("runc", self.runc),
            ("cni plugins", self.cni_plugins),
            ("cri tools", self.cri_tools),
            ("local path provisioner", self.local_path_provisioner),
            ("network policies", self.network_policies),
            ("cloud provider", self.cloud_provider),
            ("registry", self.registry),
            ("debian", self.debian),
        ]
    }
}

/// The images that upstream's own sources expect, as `name:tag`, by the list that `conformance-names` makes of them.
#[cfg(test)]
pub(crate) fn expected_images(release: &Release, who: &str) -> Vec<String> {
    let path = format!("{}/upstream/{}.tsv", env!("CARGO_MANIFEST_DIR"), release.kubernetes);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}; run conformance-names"));
    let fields = text.lines().filter_map(|line| line.split_once('\t')).filter(|(whose, _)| *whose == who);
    fields.map(|(_, image)| image.replace('\t', ":")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_with_and_without_v() {
        assert_eq!(Release::find("1.37.2").unwrap(), Release::newest());
        assert_eq!(Release::find("v1.37.2").unwrap().major_minor(), ("1", "37"));
    }

    #[test]
    fn a_minor_version_is_enough() {
        assert_eq!(Release::find("v1.36").unwrap(), &V1_36);
        assert_eq!(Release::find("1.34").unwrap(), &V1_34);
        assert!(Release::find("v1").is_err() && Release::find("1.3").is_err() && Release::find("").is_err());
    }

    #[test]
    fn an_unknown_version_is_refused_with_the_known_ones() {
        let error = Release::find("v1.12.0").unwrap_err();
        assert_eq!(
            error.to_string(),
            "build a node image of Kubernetes v1.12.0: this version is not supported; supported: v1.37.2, v1.36.3, v1.35.4, \
             v1.34.4"
        );
    }

    #[test]
    fn staging_modules_follow_the_release() {
        for release in Release::all() {
            assert_eq!(release.kubernetes.replacen("v1.", "v0.", 1), release.staging);
        }
    }
}
