//! Steps that several tests take, each a few calls of the `kube` crate.

mod apply;
mod brief;
mod deploy;
mod one_shot;
mod plain_client;
mod service_proxy;

pub use apply::apply;
pub use brief::brief;
pub use deploy::{LIMIT, deploy_guestbook, deploy_redis, deploy_redis_with_volume, scale};
pub use one_shot::run_to_end;
pub use plain_client::client_without_retries;
pub use service_proxy::{ServiceProxy, Version};
