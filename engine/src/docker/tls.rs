//! TLS to an engine, with Docker's own three files. Only the authority that they name is trusted, as by Docker's client.

use std::{io, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{EngineAddress, EngineError, TlsFiles};

/// How connections to one engine are secured.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// Reads the certificates.
    pub(super) fn new(address: &EngineAddress, files: &TlsFiles, host: &str) -> Result<Self, EngineError> {
        let failed = |path: &Path, reason: String| EngineError::Certificate {
            address: address.host.clone(),
            found_by: address.found_by.to_string(),
            path: path.to_owned(),
            reason,
        };
        let read = |path: &Path| -> Result<Vec<CertificateDer<'static>>, EngineError> {
            let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
            let all: Vec<_> = all.map_err(|error| failed(path, error.to_string()))?;
            if all.is_empty() { Err(failed(path, "it holds no certificate".to_owned())) } else { Ok(all) }
        };
        let mut authorities = RootCertStore::empty();
        for certificate in read(&files.authority)? {
            authorities.add(certificate).map_err(|error| failed(&files.authority, error.to_string()))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| failed(&files.authority, error.to_string()))?;
        let config = config.with_root_certificates(authorities);
        let config = match files.identity() {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = read(certificate)?;
                let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| failed(key, error.to_string()))?;
                config.with_client_auth_cert(chain, secret).map_err(|error| failed(key, error.to_string()))?
            }
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| failed(&files.authority, format!("{host} is no name that a certificate can have")))?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    pub(super) async fn connect(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await
    }
}
