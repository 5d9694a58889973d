//! Steps that several tests take, each a few calls of the `kube` crate.

mod brief;
mod deploy;
mod guestbook;
mod plain_client;

pub use brief::brief;
pub use deploy::{LIMIT, deploy_guestbook, deploy_redis, deploy_redis_with_volume, rolled_out, scale};
pub use guestbook::{Guestbook, Version};
pub use plain_client::client_without_retries;
