//! TLS to an engine, with Docker's own three files. Only the authority that they name is trusted, as by Docker's client.

use std::{
    io,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
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

    pub(super) async fn connect(&self, stream: TcpStream) -> io::Result<Secured<TlsStream<TcpStream>>> {
        Ok(Secured(self.connector.connect(self.name.clone(), stream).await?))
    }
}

/// A secured stream. Some peers, and proxies before engines, end without saying so first; as for Docker's client, that is
/// an end. Whether something is missing shows in what was sent: bodies have a length, and parts of a command's output, too.
pub(super) struct Secured<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for Secured<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.0).poll_read(cx, buffer) {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            read => read,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Secured<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::FoundBy;

    #[tokio::test]
    async fn a_peer_that_ends_without_saying_so_has_ended() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles::in_folder(folder.path());
        fs::write(&files.authority, made.cert.pem()).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("tcp://localhost:{}", listener.local_addr().unwrap().port());
        let address = EngineAddress { host, tls: Some(files.clone()), found_by: FoundBy::DockerHost };
        let serve = async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
            stream.write_all(b"all of it").await.unwrap();
            stream.flush().await.unwrap();
            // The connection below it ends, and nothing says that TLS does.
            stream.get_mut().0.shutdown().await.unwrap();
        };
        let ask = async {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let mut stream = Tls::new(&address, &files, "localhost").unwrap().connect(stream).await.unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).await.map(|_| said)
        };
        let ((), said) = tokio::join!(serve, ask);
        assert_eq!(said.unwrap(), "all of it");
    }
}
