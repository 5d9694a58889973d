//! What an expanded `#[kind_test]` calls, and what it can give. Everything a test does apart from its body is here;
//! how a cluster comes to be is not.

mod case;
mod ci;
mod context;
mod actions;
mod error;
mod existing;
mod fixtures;
mod from_test;
mod hold;
mod host;
mod interrupt;
mod judge;
#[cfg(any(feature = "kube-3", feature = "kube-4"))]
mod kube_versions;
mod name;
mod namespace;
mod prepare;
mod request;
mod run;
mod stage;
mod timeline;
mod verdict;

#[cfg(test)]
pub(crate) mod tests;

pub use context::TestContext;
pub use from_test::{FixtureError, FromTest};
pub use hold::Hold;
pub use judge::{Judge, Judged, Returned};
pub use namespace::{LABEL_TEST, TestNamespace};
pub use prepare::Prepare;
pub use request::{Request, Runtime, TestMeta};
pub use run::run;
pub use verdict::{Ended, Verdict};
