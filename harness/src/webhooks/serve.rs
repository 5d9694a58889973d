//! The server: TLS and HTTP/1.1 on a thread of its own, so that it answers while a test blocks its thread.

use std::{error::Error, future::poll_fn, io, net::TcpListener as StdListener, sync::Arc, thread};

use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::{
    body::{Body, Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::{Certificate, WebhookError, rewrite::READY_PATH};

type BoxError = Box<dyn Error + Send + Sync>;
type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

type Answering = BoxFuture<'static, Result<Answer, BoxError>>;

/// What answers the API servers, whatever it is.
pub(crate) struct Answers(Box<dyn Fn(Request<Incoming>) -> Answering + Send + Sync>);

impl Answers {
    /// A `tower` service, such as an `axum::Router`.
    pub(crate) fn of<S, B>(service: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>,
        S: Clone + Send + Sync + 'static,
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self(Box::new(move |request| {
            let mut service = service.clone();
            Box::pin(async move {
                poll_fn(|context| service.poll_ready(context)).await.map_err(Into::into)?;
                let answer = service.call(request).await.map_err(Into::into)?;
                Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync()))
            })
        }))
    }
}

/// Serves until `end`. Who asks for what nobody else's path begins with is refused with `word`.
pub(crate) fn serve(
    listener: StdListener,
    certificate: Certificate,
    word: String,
    answers: Answers,
    end: CancellationToken,
) -> Result<(), WebhookError> {
    let acceptor = acceptor(certificate).map_err(|error| WebhookError::Certificate(error.into()))?;
    let start = || {
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (word, answers): (Arc<str>, _) = (word.into(), Arc::new(answers));
        let run = move || {
            runtime.block_on(async {
                let served = tokio::select! {
                    biased;
                    () = end.cancelled() => Ok(()),
                    served = accept(listener, &acceptor, &word, &answers) => served,
                };
                if let Err(error) = served {
                    tracing::warn!("the webhooks of this process are no longer served: {error}");
                }
            });
        };
        thread::Builder::new().name("kind-webhooks".to_owned()).spawn(run)
    };
    start().map(drop).map_err(WebhookError::Listen)
}

fn acceptor(certificate: Certificate) -> Result<TlsAcceptor, rustls::Error> {
    let Certificate { chain, key, .. } = certificate;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(chain)], PrivatePkcs8KeyDer::from(key).into())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(
    listener: StdListener,
    acceptor: &TlsAcceptor,
    word: &Arc<str>,
    answers: &Arc<Answers>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // The other side was faster; others come.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => return Err(error),
        };
        let (acceptor, word, answers) = (acceptor.clone(), Arc::clone(word), Arc::clone(answers));
        // A panic in an answer ends its connection, and no other.
        tokio::spawn(async move {
            if let Err(error) = connection(stream, acceptor, word, answers).await {
                tracing::warn!("a connection to the webhooks of this process failed: {error}");
            }
        });
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    word: Arc<str>,
    answers: Arc<Answers>,
) -> Result<(), BoxError> {
    let stream = acceptor.accept(stream).await?;
    let answer = service_fn(move |request: Request<Incoming>| {
        let (word, answers) = (Arc::clone(&word), Arc::clone(&answers));
        async move {
            if request.uri().path() == READY_PATH {
                return refuse(request, &word).await.map_err(io::Error::other);
            }
            (answers.0)(request).await.map_err(io::Error::other)
        }
    });
    http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await?;
    Ok(())
}

/// Refuses what an API server asks, with this word.
async fn refuse(request: Request<Incoming>, word: &str) -> Result<Answer, BoxError> {
    let review: Value = serde_json::from_slice(&request.into_body().collect().await?.to_bytes())?;
    let answer = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": { "uid": review["request"]["uid"], "allowed": false, "status": { "message": word } },
    });
    let response = Response::builder().header("content-type", "application/json");
    let body = Full::new(serde_json::to_vec(&answer)?.into());
    Ok(response.body(body.map_err(|never| match never {}).boxed_unsync())?)
}
