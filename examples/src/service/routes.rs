//! What the service answers to which request.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use redis::RedisError;
use serde::{Deserialize, Serialize};

use super::store::Store;

/// Which build answered, and which of its replicas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) version: String,
    pub(super) instance: String,
}

#[derive(Clone)]
struct Service {
    identity: Identity,
    store: Store,
}

/// Every route of the service.
pub(super) fn router(identity: Identity, store: Store) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/version", get(version))
        .route("/entries", get(entries).post(add_entry))
        .with_state(Service { identity, store })
}

async fn health(State(service): State<Service>) -> Result<&'static str, StoreUnavailable> {
    service.store.ping().await?;
    Ok("ok")
}

async fn version(State(service): State<Service>) -> Json<Identity> {
    Json(service.identity)
}

async fn entries(State(service): State<Service>) -> Result<Json<Vec<String>>, StoreUnavailable> {
    Ok(Json(service.store.all().await?))
}

async fn add_entry(State(service): State<Service>, entry: String) -> Result<Response, StoreUnavailable> {
    let total = service.store.add(&entry).await?;
    Ok((StatusCode::CREATED, Json(total)).into_response())
}

/// Redis did not answer: 503, because the same request may succeed a moment later.
struct StoreUnavailable(RedisError);

impl From<RedisError> for StoreUnavailable {
    fn from(error: RedisError) -> Self {
        Self(error)
    }
}

impl IntoResponse for StoreUnavailable {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, format!("Redis: {}", self.0)).into_response()
    }
}
