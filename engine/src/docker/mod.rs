//! `Engine` over the Docker API. The requests live in the submodules, one for each kind of object.

mod engine;
mod connect;
mod facts;
mod transport;
mod ssh;
mod tls;
mod request;
mod privileges;
mod containers;
mod exec;
mod images;
mod networks;
mod stats;
mod streaming;
mod volumes;

pub use engine::DockerEngine;
