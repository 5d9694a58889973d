//! Image archives from programs of this machine, with neither an engine nor a registry.
//!
//! A container image is less than it seems: a tar file of a root file system, and JSON beside it that says how to start.
//! The root file system of a dynamically linked program is the program, its loader and its libraries.

mod archive;
mod cache;
mod elf;
mod packages;
mod programs;
mod recipes;

pub use recipes::{GUESTBOOK_PROGRAM, GUESTBOOK_V1, GUESTBOOK_V2, REDIS, guestbook, redis};
