//! Real, highly available Kubernetes clusters for Rust tests.
//!
//! Start with [`kind_test`]. A cluster is described by a [`ClusterSpec`], brought up by [`provision::provision`], and
//! held as a [`Cluster`]. The modules in reading order:

pub mod spec;
pub mod config_file;
pub mod settings;
pub mod render;
pub mod wait;
pub mod provision;
pub mod image;
pub mod cluster;
pub mod inventory;
pub mod doctor;
pub mod kubeconfig;
pub mod load;
pub mod tunnel;
pub mod logs;
pub mod power;
pub mod snapshot;
pub mod lease;
mod before_main;
mod warnings;
mod entry;
mod activity;
mod diagnose;
mod report;
pub mod recording;
mod user_file;
mod yaml_text;
#[cfg(test)]
mod fake_api;

/// What an expanded [`kind_test`] calls; not for use by hand, and subject to change without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        entry::{Ended, Judge, Judged, Prepare, Request, Returned, Runtime, TestMeta, Verdict, run},
        lease::Access,
    };
}

pub use cluster::{Cluster, ClusterError, ClusterRecord, Node, NodeRecord};
pub use entry::{FixtureError, FromTest, Hold, LABEL_TEST, TestContext, TestNamespace};
/// The container engine. Its types are in signatures here, such as mounts and ports of nodes.
pub use kind_engine as engine;
pub use kind_engine::{Command, CommandError, ExecOutput, NodeFile};
#[doc = include_str!("kind_test.md")]
pub use kind_macros::kind_test;
/// The version of kube that clients are injected from.
pub use kube;
pub use spec::{ClusterName, ClusterSpec, NodeName, Role};
