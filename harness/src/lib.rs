//! Real, highly available Kubernetes clusters for Rust tests.
//!
//! Start with [`kind_test`]. A cluster is described by a [`ClusterSpec`] and held as a [`Cluster`]. What makes clusters is
//! below, in `kind-core`, and who gets which in `kind-lease`; neither is for use by hand.

mod entry;
mod apply;
pub mod expect;
mod image;
mod pods;
mod reach;
mod expose;
mod webhooks;
mod acting;
mod diagnose;

/// What an expanded [`kind_test`] calls; not for use by hand, and subject to change without notice.
#[doc(hidden)]
pub mod __private {
    pub use kind_core::access::Access;
    pub use serde_json::json;

    pub use crate::entry::{Ended, Judge, Judged, Prepare, Request, Returned, Runtime, TestMeta, Verdict, run};
}

/// Waiting for a condition, look by look. [`expect()`] waits for objects without missing what happens between two looks.
pub mod wait {
    pub use kind_core::wait::{
        Check, WaitError, deployment_available, nodes_ready, pod_running, until, until_every, until_or, words_of_api,
    };
}

pub use acting::{Acting, RulesUsed};
pub use apply::ApplyError;
pub use entry::{FixtureError, FromTest, Hold, LABEL_TEST, TestContext, TestNamespace};
#[doc(inline)]
pub use expect::{ExpectError, expect, expect_all};
pub use expose::ExposeError;
pub use image::{BuiltImage, Image, ImageError};
pub use kind_core::{
    access::Access,
    cluster::{Cluster, ClusterError, ClusterRecord, Node, NodeRecord},
    settings::{Settings, SettingsError},
    spec::{self, ClusterName, ClusterSpec, NodeName, Role},
};
/// The container engine. Its types are in signatures here, such as mounts and ports of nodes.
pub use kind_engine as engine;
pub use kind_engine::{Command, CommandError, ExecOutput, NodeFile};
pub use kind_lease::LeaseError;
#[doc = include_str!("kind_test.md")]
pub use kind_macros::kind_test;
/// The version of kube that clients are injected from.
pub use kube;
pub use pods::{ExecError, Output, RunError};
pub use reach::{Port, ReachError};
pub use webhooks::WebhookError;
