//! Why somebody else's cluster cannot be used.

use kind_core::kubeconfig;
use kube::config::KubeconfigError;

use super::Refusal;

/// The named cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExistingError {
    #[error("use the cluster of {from}: {problem}")]
    File { from: String, problem: String },
    #[error("use the cluster of {from}")]
    Unreadable {
        from: String,
        #[source]
        source: kubeconfig::KubeconfigError,
    },
    #[error("use the cluster of {from}")]
    Kubeconfig {
        from: String,
        #[source]
        source: KubeconfigError,
    },
    #[error("make a client for the cluster of {from}")]
    Client {
        from: String,
        #[source]
        source: kube::Error,
    },
    /// kube's own error has the proxy's password.
    #[error(
        "reach the API at {server}, which {from} names: that way needs kube's feature `{feature}`; turn it on for the tests (`cargo add --dev kube --features {feature}`), or name the server in NO_PROXY where it is reached without a proxy"
    )]
    NoFeature { from: String, server: String, feature: String },
    #[error(
        "reach the API at {server}, which {from} names: kube knows proxies at http://, https:// and socks5:// only"
    )]
    UnknownProxy { from: String, server: String },
    #[error("reach the API at {server}, which {from} names: is it up, and is it the right context?")]
    Api {
        from: String,
        server: String,
        #[source]
        source: kube::Error,
    },
    #[error("reach the API at {server}, which {from} names: no answer within {} s; is it up, and is it the right context?", super::API_LIMIT.as_secs())]
    NoAnswer { from: String, server: String },
}

impl ExistingError {
    /// A client that cannot be made for the server at this place.
    pub(super) fn client(from: &str, place: &str, error: kube::Error) -> Self {
        let (from, server) = (from.to_owned(), place.to_owned());
        match error {
            kube::Error::ProxyProtocolDisabled { protocol_feature, .. } => {
                let feature = protocol_feature.strip_prefix("kube/").unwrap_or(protocol_feature).to_owned();
                Self::NoFeature { from, server, feature }
            }
            kube::Error::ProxyProtocolUnsupported { .. } => Self::UnknownProxy { from, server },
            source => Self::Client { from, source },
        }
    }
}

impl From<ExistingError> for Refusal {
    fn from(error: ExistingError) -> Self {
        Self::Failed(Box::new(error))
    }
}
