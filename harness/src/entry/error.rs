//! Why a test could not be carried out. Why its body failed is the body's own affair.

use std::{error::Error, io, path::PathBuf};

use kind_core::{
    cluster::ClusterError, config_file::ConfigFileError, settings::SettingsError, spec::SpecError, wait::WaitError,
};

/// Something between the start of a test and its body went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The environment asks for something impossible.
    #[error("read the settings from the environment")]
    Settings {
        /// Which variable, and what it expects.
        #[source]
        source: SettingsError,
    },
    /// The configuration file gives no cluster.
    #[error("use the file that `config = \"{file}\"` names, relative to the package's folder")]
    Config {
        /// As the attribute has it.
        file: &'static str,
        /// What is wrong with it.
        #[source]
        source: ConfigFileError,
    },
    /// The running program cannot be told from other builds of it.
    #[error("look at the test binary, which what `prepare` names is part of")]
    Program {
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// What a preparation depends on cannot be read.
    #[error("read {}, which `inputs` names as {input:?}, relative to the package's folder", path.display())]
    Input {
        /// As the attribute has it.
        input: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// Why it cannot be read.
        #[source]
        source: io::Error,
    },
    /// The specification as a whole is wrong.
    #[error("use the cluster's specification: {}", listed(errors))]
    Spec {
        /// Every mistake.
        errors: Vec<SpecError>,
    },
    /// The test's Tokio runtime did not start.
    #[error("start the test's runtime")]
    Runtime {
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is no cluster to be had.
    #[error(transparent)]
    Cluster(Box<dyn Error + Send + Sync>),
    /// A test that must run has no engine.
    #[error("get a cluster: {reason}; KIND_TEST_REQUIRE, or CI, makes that a failure instead of a skipped test")]
    Required {
        /// Why there is no engine.
        reason: String,
    },
    /// The cluster's kubeconfig is not usable.
    #[error(transparent)]
    Kubeconfig(ClusterError),
    /// A cluster is there, and a client for it is not.
    #[error("make a client for cluster {cluster}")]
    Client {
        /// Which cluster.
        cluster: String,
        /// Why not.
        #[source]
        source: kube::Error,
    },
    /// The namespace was refused.
    #[error("create the test's namespace in cluster {cluster}")]
    Namespace {
        /// Which cluster.
        cluster: String,
        /// What the API answered.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The cluster's API did not answer.
    #[error("create the test's namespace in cluster {cluster}; is its API up?")]
    NoAnswer {
        /// Which cluster.
        cluster: String,
        /// For how long, and what came instead.
        #[source]
        source: WaitError,
    },
    /// A test that takes the cluster's handle runs on somebody else's cluster: it is skipped.
    #[error(
        "give the test a `Cluster`: the nodes of {cluster}, somebody else's cluster, are out of reach; a test that needs only the API takes `kube::Client`"
    )]
    NodesOutOfReach {
        /// Which cluster.
        cluster: String,
    },
    /// A read-only test asks for a namespace.
    #[error(
        "give the test a `TestNamespace`: `access = \"read\"` has none; remove the parameter or use `access = \"shared\"`"
    )]
    NoNamespace,
}

fn listed(errors: &[SpecError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl EntryError {
    /// The namespace was refused. Of an answer of the API only its message is told.
    pub(super) fn namespace(cluster: &str, error: kube::Error) -> Self {
        let source: Box<dyn Error + Send + Sync> = match error {
            kube::Error::Api(status) => status.message.into(),
            error => Box::new(error),
        };
        Self::Namespace { cluster: cluster.to_owned(), source }
    }
}
