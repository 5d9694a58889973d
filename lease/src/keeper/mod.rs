//! The keeper: the detached process that makes a cluster, watches over it and removes it.
//!
//! Each step of its life has one effect, so that it may be killed between any two and the next keeper goes on from what
//! it finds.

mod claim;
mod idle;
mod journal;
mod life;
mod phase;
mod process;
mod progress;
mod serve;
mod sweep;
mod vacate;

pub(super) use journal::Journal;
pub(super) use life::Life;
pub(super) use phase::Phase;
pub(crate) use process::run_keeper;
pub(super) use sweep::Sweep;
pub use sweep::{Effect, Extent, SweepOutcome, Swept};
