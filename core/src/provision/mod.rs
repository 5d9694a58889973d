//! Bring-up and removal: a visible list of named, time-limited steps, one file each.
//!
//! The command line and the tests both come through here.

mod apply;
mod authority;
mod blueprint;
mod boot;
mod bring_up;
mod clone;
mod containers;
mod context;
mod control_planes;
mod crashes;
mod creation;
mod deadline;
mod destroy;
mod evidence;
mod images;
mod join;
mod limits;
mod manifests;
mod network;
mod origin;
mod outline;
mod plan;
mod progress;
mod ready;
mod registry;
mod room;
mod rootless;
mod routes;
mod running;
mod service_proxy;
mod steps;
mod storage;
mod taken;

pub use blueprint::Blueprint;
pub use bring_up::{STEPS, provision};
pub use creation::Creation;
pub use deadline::{Deadline, Expired};
pub use destroy::{DestroyError, Removed, destroy, destroy_named, made_within};
pub(crate) use network::free_range;
#[cfg(test)]
pub(crate) use origin::CLONE_KUBEADM_PATH;
pub use origin::Origin;
pub(crate) use origin::{MADE_PATH, Made};
pub use outline::{Outline, OutlinedNode, OutlinedRegistry, OutlinedServer, outline};
pub use progress::{Event, Progress};
pub(crate) use rootless::obstacle as rootless_obstacle;
pub use routes::Route;
pub(crate) use routes::routes;
pub use steps::{ProvisionError, Remains, StepError};
