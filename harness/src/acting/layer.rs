//! The layer of a client that notes what is asked for.

use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use http::{Request, Response, StatusCode};
use tower_layer::Layer;
use tower_service::Service;

use super::asked::{Asked, asked};

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes(Arc<Mutex<BTreeSet<Asked>>>);

impl Notes {
    pub(super) fn all(&self) -> BTreeSet<Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, asked: Asked) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(asked);
    }
}

impl<S> Layer<S> for Notes {
    type Service = Noted<S>;

    fn layer(&self, inner: S) -> Noted<S> {
        Noted { inner, notes: self.clone() }
    }
}

/// A client's service that notes.
#[derive(Debug, Clone)]
pub(super) struct Noted<S> {
    inner: S,
    notes: Notes,
}

impl<S, A, B> Service<Request<A>> for Noted<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let asked = asked(request.method(), request.uri());
        let made = made(&asked);
        self.notes.add(asked);
        let (answer, notes) = (self.inner.call(request), self.notes.clone());
        Box::pin(async move {
            let answer = answer.await?;
            if let (StatusCode::CREATED, Some(made)) = (answer.status(), made) {
                notes.add(made);
            }
            Ok(answer)
        })
    }
}

/// What is asked for beside, where an apply makes an object: the API server wants the right to create it as well.
fn made(asked: &Asked) -> Option<Asked> {
    match asked.clone() {
        Asked::Resource { verb: "patch", namespace, group, resource } => {
            Some(Asked::Resource { verb: "create", namespace, group, resource })
        }
        _ => None,
    }
}
