//! What can be wrong with a source.

use std::path::PathBuf;

use super::Checksum;

/// A node image cannot be made of what was named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Nothing was named.
    #[error("build a node image: of this kind of source, one has to be named")]
    Nothing,
    /// It is nothing that is known.
    #[error(
        "build a node image from {text:?}: expected the address or the path of an archive (kubernetes-server-linux-….tar.gz), a folder with Kubernetes' sources, or a release such as v1.36.3"
    )]
    Unknown {
        /// What was named.
        text: String,
    },
    /// Modules have no place.
    #[error("build a node image from modules: found {text:?}, expected nothing; --version says of which release")]
    ModuleWithText {
        /// What was named.
        text: String,
    },
    /// A password would end up in logs.
    #[error(
        "fetch an archive: the address holds credentials, which would be in the build's log; put them into ~/.netrc"
    )]
    Credentials,
    /// Anybody on the way could have changed both.
    #[error(
        "fetch {url}: without https, a checksum from the same place says nothing; say what the archive has to be with --checksum"
    )]
    Insecure {
        /// The address.
        url: String,
    },
    /// It is no checksum.
    #[error("read a checksum: found {text:?}, expected 64 digits of SHA-256 or 128 of SHA-512, in hexadecimal")]
    Checksum {
        /// What was found.
        text: String,
    },
    /// There is nothing to compare an archive with.
    #[error(
        "check {url}: neither {url}.sha512 nor {url}.sha256 can be fetched; say what it has to be with --checksum, or fetch it yourself and name the file"
    )]
    NoChecksum {
        /// The archive's address.
        url: String,
    },
    /// It is another file than it has to be.
    #[error("check {}: expected {expected}, found {found}; fetch it again, from a place that can be trusted", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What it has to be.
        expected: Checksum,
        /// What it is.
        found: Checksum,
    },
    /// The archive cannot be read to its end.
    #[error("read the archive {}: it is damaged, or no tar file with gzip; fetch it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How it showed.
        #[source]
        source: std::io::Error,
    },
    /// The archive lacks something.
    #[error(
        "read the archive {}: expected kubernetes/server/bin/{missing} in it, as kubernetes-server-linux-….tar.gz of a release has it", path.display()
    )]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// What is missing.
        missing: String,
    },
    /// Its programs run elsewhere.
    #[error("read the archive {}: its programs are not for this machine ({wanted})", path.display())]
    OtherMachine {
        /// The file.
        path: PathBuf,
        /// What is wanted.
        wanted: &'static str,
    },
    /// The folder has other sources.
    #[error("build Kubernetes in {}: expected a go.mod with `module k8s.io/kubernetes`, found none", path.display())]
    NotKubernetes {
        /// The folder.
        path: PathBuf,
    },
    /// Nobody knows which version it is.
    #[error("build Kubernetes in {}: git does not say which version it is ({found:?}); say it with --version v1.2.3", path.display())]
    NoVersion {
        /// The folder.
        path: PathBuf,
        /// What git says.
        found: String,
    },
    /// It is no version.
    #[error("build a node image of Kubernetes {text:?}: expected a whole version, such as v1.37.2 or v1.38.0-alpha.1")]
    Version {
        /// What was found.
        text: String,
    },
    /// A version beside a source that has its own.
    #[error(
        "build a node image: --version {text} goes with modules and with a folder of sources; an archive and an image have a version of their own"
    )]
    NeedlessVersion {
        /// The version.
        text: String,
    },
    /// A base image for what has one.
    #[error("build a node image: --base-image {reference} does not go with --type image, which is used as it is")]
    NeedlessBase {
        /// The image.
        reference: String,
    },
    /// A base image that systemd cannot be stopped in.
    #[error(
        "use {reference} as a base image: expected the stop signal {expected}, found {found:?}; build it with `STOPSIGNAL {expected}`"
    )]
    StopSignal {
        /// The image.
        reference: String,
        /// What is needed.
        expected: &'static str,
        /// What it has.
        found: String,
    },
    /// An image that was pulled is not there.
    #[error("use {reference}: the engine pulled it and does not have it; is something else removing images?")]
    Gone {
        /// The image.
        reference: String,
    },
    /// A checksum of nothing.
    #[error(
        "build a node image: --checksum {checksum} goes with an archive; modules are checked by Go, and an image by its digest"
    )]
    NeedlessChecksum {
        /// The checksum.
        checksum: Checksum,
    },
    /// Its kubeadm reads no configuration that is written here.
    #[error("build a node image of Kubernetes {version}: expected {oldest} or newer")]
    TooOld {
        /// The version.
        version: String,
        /// The oldest.
        oldest: &'static str,
    },
    /// Its kubeadm does not say which images it expects.
    #[error("ask kubeadm which images it expects: found none of {missing} in {printed:?}")]
    Images {
        /// What it does not name.
        missing: &'static str,
        /// What it printed.
        printed: String,
    },
    /// The image is no node.
    #[error(
        "use {reference} as a node image: expected a file /kind/version in it, as kindest/node and the images built here have it"
    )]
    NoNode {
        /// The image.
        reference: String,
    },
    /// A file of this machine.
    #[error("{action} {}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

impl PartialEq for SourceError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}
