//! Why something cannot be reached.

use std::io;

use kind_core::{
    cluster::ClusterError,
    wait::{WaitError, words_of_api},
};

/// A Service or pod cannot be reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReachError {
    /// The text names neither a Service nor a pod.
    #[error("reach {text:?}: expected the name of a Service, as `web` or `web.namespace`, or of a pod, as `pod/web-0`")]
    Target {
        /// The text.
        text: String,
    },
    /// The test has no namespace, and the text names none.
    #[error(
        "reach {target}: a test with `access = \"read\"` has no namespace of its own; name one, as `web.namespace`"
    )]
    NoNamespace {
        /// What was asked for.
        target: String,
    },
    /// There is no such Service or pod.
    #[error("reach {target}: there is none of that name; there are {there}")]
    NotThere {
        /// What was asked for.
        target: String,
        /// What there is.
        there: String,
    },
    /// It has no such port.
    #[error("reach {target}: it has no TCP port {port}; it has {there}")]
    NoPort {
        /// What was asked for.
        target: String,
        /// The port.
        port: String,
        /// The ports that it has.
        there: String,
    },
    /// It is somewhere else.
    #[error("reach {target}: it is a name for {host}, outside of the cluster")]
    Outside {
        /// What was asked for.
        target: String,
        /// Where it leads.
        host: String,
    },
    /// Nothing is ready to answer.
    #[error("reach {target}: {why}")]
    NothingBehind {
        /// What was asked for.
        target: String,
        /// What is not ready.
        why: String,
    },
    /// Nothing was ready to answer within the limit.
    #[error("reach {target}")]
    Late {
        /// What was asked for.
        target: String,
        /// What was last seen.
        #[source]
        source: WaitError,
    },
    /// The API.
    #[error("reach {target}: {}", words_of_api(answer))]
    Api {
        /// What was asked for.
        target: String,
        /// What the API said.
        answer: Box<kube::Error>,
    },
    /// No node can pass connections on.
    #[error(
        "reach {target}: no running node has `socat`, which passes connections on; the nodes' image is {image}, and those of `kind-rs build node-image` have it"
    )]
    NoSocat {
        /// What was asked for.
        target: String,
        /// The nodes' image.
        image: String,
    },
    /// The nodes.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// There is no port or thread on this machine.
    #[error("listen on 127.0.0.1 for {target}")]
    Listen {
        /// What was asked for.
        target: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}
