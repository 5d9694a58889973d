//! What a node image is made of: a bill of materials and the licences of everything in it, for whoever passes it on. What
//! is built, and how, is not here.

mod modules;
mod packages;
mod licences;
mod bill;
mod gather;

pub(crate) use gather::{Materials, gather};
