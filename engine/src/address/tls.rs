//! The certificates of an engine that speaks TLS: which files, and that they are there.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::EngineAddress;
use crate::EngineError;

/// Why TLS without a check of the engine's certificate is refused.
pub(super) const UNVERIFIED: &str = "TLS without verification (DOCKER_TLS without DOCKER_TLS_VERIFY, or a context that \
                                     skips it) shows nobody who answers; set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH";

/// Docker's three files for TLS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsFiles {
    /// Who signed the engine's certificate (`ca.pem`).
    pub authority: PathBuf,
    /// The certificate to show the engine (`cert.pem`).
    pub certificate: PathBuf,
    /// Its key (`key.pem`).
    pub key: PathBuf,
}

impl TlsFiles {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        // Another process, with another working directory, may use them.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let file = |name: &str| folder.join(name);
        Self { authority: file("ca.pem"), certificate: file("cert.pem"), key: file("key.pem") }
    }

    /// Certificate and key to show the engine, where there are any.
    pub(crate) fn identity(&self) -> Option<(&Path, &Path)> {
        (self.certificate.exists() || self.key.exists()).then_some((&self.certificate, &self.key))
    }
}

/// Without the authority's certificate no connection is worth a try.
pub(super) fn check(address: &EngineAddress) -> Result<(), EngineError> {
    let Some(files) = &address.tls else { return Ok(()) };
    std::fs::metadata(&files.authority).map(drop).map_err(|error| EngineError::Certificate {
        address: address.host.clone(),
        found_by: address.found_by.to_string(),
        path: files.authority.clone(),
        reason: error.to_string(),
    })
}
