//! The guestbook service: entries go in over HTTP and are kept in Redis.
//!
//! It knows nothing of Kubernetes and nothing of the tests, like the service of a reader of these examples.

pub mod client;
mod routes;
mod serve;
mod settings;
mod shutdown;
mod store;

pub use serve::serve;
pub use settings::Settings;
