//! What the example tests share. The tests themselves, in `tests/`, are the part to read first.
//!
//! - [`service`]: a small, real HTTP service, the guestbook, with Redis behind it: what the tests work on;
//! - [`image`]: turns programs of this machine into image archives, with neither an engine nor a registry;
//! - [`kubernetes`]: the few steps that several tests take with the `kube` crate.

pub mod image;
pub mod kubernetes;
pub mod service;
