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
    /// The images of the static pods and add-ons.
    PodImages,
    /// These images unpacked, as containerd keeps them.
    ImageStore,
    /// The node image itself.
    NodeImage,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Step; 12] = [
        Step::Base,
        Step::Kubernetes,
        Step::Etcd,
        Step::Containerd,
        Step::Runc,
        Step::CniPlugins,
        Step::CriTools,
        Step::CoreDns,
        Step::LocalPathProvisioner,
        Step::PodImages,
        Step::ImageStore,
        Step::NodeImage,
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
            Step::PodImages => "static pod images",
            Step::ImageStore => "image store",
            Step::NodeImage => "node image",
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
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn started(&self, _: Step) {}
    fn finished(&self, _: Step, _: Duration) {}
    fn skipped(&self, _: Step) {}
    fn line(&self, _: Step, _: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_name_of_its_own_and_is_listed_in_order() {
        let mut names: Vec<String> = Step::ALL.iter().map(|step| step.slug()).collect();
        assert!(Step::ALL.is_sorted());
        names.sort();
        names.dedup();
        assert_eq!(names.len(), Step::ALL.len());
    }
}
