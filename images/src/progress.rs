//! The steps of a build, and who is told of them. No terminal is known here: that is the caller's.

use std::{fmt, time::Duration};

/// A step of a build, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Debian's packages, as a root file system and a base image.
    Base,
    /// The programs of Kubernetes itself.
    Kubernetes,
    /// etcd.
    Etcd,
    /// containerd, its shim and `ctr`.
    Containerd,
    /// runc.
    Runc,
    /// The network plugins.
    CniPlugins,
    /// `crictl`.
    CriTools,
    /// `CoreDNS`.
    CoreDns,
    /// The storage provisioner.
    LocalPathProvisioner,
    /// What enforces network policies and gives addresses to Services.
    Network,
    /// The registry.
    Registry,
    /// The images of the static pods and add-ons.
    PodImages,
    /// These images unpacked, as containerd keeps them.
    ImageStore,
    /// The node image itself.
    NodeImage,
    /// The conformance suite.
    ConformanceSuite,
    /// The programs of its test images.
    TestPrograms,
    /// Their predecessors, for specs that change an image.
    PreviousTestPrograms,
    /// The aggregated API server that one spec uses.
    SampleApiServer,
    /// The root file system that test images share.
    TestRoot,
    /// busybox, which is a test image.
    Busybox,
    /// The test images.
    TestImages,
    /// The node image that holds them.
    ConformanceImage,
}

impl Step {
    /// Every step of a node image, in order.
    pub const NODE: [Step; 14] = [
        Step::Base,
        Step::Kubernetes,
        Step::Etcd,
        Step::Containerd,
        Step::Runc,
        Step::CniPlugins,
        Step::CriTools,
        Step::CoreDns,
        Step::LocalPathProvisioner,
        Step::Network,
        Step::Registry,
        Step::PodImages,
        Step::ImageStore,
        Step::NodeImage,
    ];
    /// Every step that the conformance suite needs beyond that, in order.
    pub const CONFORMANCE: [Step; 8] = [
        Step::ConformanceSuite,
        Step::TestPrograms,
        Step::PreviousTestPrograms,
        Step::SampleApiServer,
        Step::TestRoot,
        Step::Busybox,
        Step::TestImages,
        Step::ConformanceImage,
    ];

    /// Its name as a file name.
    pub(crate) fn slug(self) -> String {
        self.to_string().replace(' ', "-").to_lowercase()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Base => "base root file system",
            Step::Kubernetes => "Kubernetes programs",
            Step::Etcd => "etcd",
            Step::Containerd => "containerd",
            Step::Runc => "runc",
            Step::CniPlugins => "CNI plugins",
            Step::CriTools => "crictl",
            Step::CoreDns => "CoreDNS",
            Step::LocalPathProvisioner => "local path provisioner",
            Step::Network => "policies and load balancers",
            Step::Registry => "registry",
            Step::PodImages => "static pod images",
            Step::ImageStore => "image store",
            Step::NodeImage => "node image",
            Step::ConformanceSuite => "conformance suite",
            Step::TestPrograms => "test programs",
            Step::PreviousTestPrograms => "previous test programs",
            Step::SampleApiServer => "sample API server",
            Step::TestRoot => "test root file system",
            Step::Busybox => "busybox",
            Step::TestImages => "test images",
            Step::ConformanceImage => "conformance node image",
        })
    }
}

/// Told how a build goes on. Two steps may be under way at once: the root file system and the programs.
pub trait Progress: Send + Sync {
    /// The step begins.
    fn started(&self, step: Step);
    /// The step ended well.
    fn finished(&self, step: Step, elapsed: Duration);
    /// An earlier build did it already.
    fn skipped(&self, step: Step);
    /// A program of the step printed a line.
    fn line(&self, step: Step, text: &str);
    /// Something that whoever started the build should know.
    fn note(&self, text: &str);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn started(&self, _: Step) {}
    fn finished(&self, _: Step, _: Duration) {}
    fn skipped(&self, _: Step) {}
    fn line(&self, _: Step, _: &str) {}
    fn note(&self, _: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_name_of_its_own_and_is_listed_in_order() {
        let all = [&Step::NODE[..], &Step::CONFORMANCE].concat();
        let mut names: Vec<String> = all.iter().map(|step| step.slug()).collect();
        assert!(all.is_sorted());
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len());
    }
}
