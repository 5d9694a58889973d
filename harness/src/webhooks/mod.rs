//! Webhooks that the test process serves: their definitions rewritten so that the API servers call this process, a certificate
//! that they check, and the server.
//!
//! How a port of this process gets an address of the cluster is in `expose`; how objects are sent, in `apply`.

mod certificate;
mod error;
mod known;
mod rewrite;
mod serve;

#[cfg(test)]
mod tests;

pub(crate) use certificate::Certificate;
pub use error::WebhookError;
pub(crate) use known::{Marks, known_everywhere};
pub(crate) use rewrite::{Place, rewrite};
pub(crate) use serve::{Answers, serve};
