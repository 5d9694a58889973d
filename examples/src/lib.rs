//! What the example tests share. The tests themselves, in `tests/`, are the part to read first.
//!
//! - [`service`]: a small, real HTTP service, the guestbook, with Redis behind it: what the tests work on;
//! - [`images`]: what is in the images of the guestbook and of Redis;
//! - [`kubernetes`]: the few steps that several tests take with the `kube` crate.

pub mod images;
pub mod kubernetes;
pub mod service;
