//! Why webhooks cannot be served.

use std::io;

use kind_core::{cluster::ClusterError, wait::WaitError};

use crate::{apply::ApplyError, expose::ExposeError};

/// Webhooks cannot be served by this process.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// No object calls a webhook.
    #[error(
        "serve webhooks: expected a ValidatingWebhookConfiguration, a MutatingWebhookConfiguration, or a definition whose conversion is by a webhook; found {found}"
    )]
    Nothing {
        /// The kinds that there are.
        found: String,
    },
    /// The test has no namespace.
    #[error("serve webhooks: a test with `access = \"read\"` changes nothing, and a webhook changes what others see")]
    ReadOnly,
    /// An object says what nobody can serve.
    #[error("serve webhooks: {object}: {problem}")]
    Object {
        /// The object.
        object: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The cluster cannot reach this process.
    #[error(transparent)]
    Expose(#[from] ExposeError),
    /// The certificate cannot be made.
    #[error("make a certificate for webhooks")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no port or thread on this machine.
    #[error("listen on 127.0.0.1 for webhooks")]
    Listen(#[source] io::Error),
    /// The objects.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The API servers cannot be asked.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// An API server does not call them.
    #[error("serve webhooks")]
    Late(#[source] WaitError),
}
