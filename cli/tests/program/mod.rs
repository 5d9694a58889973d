//! What the tests of the program from outside share.

mod outside;

pub(crate) use outside::{NO_ENGINE, assert_fails, run, run_in, stderr, stdout};
